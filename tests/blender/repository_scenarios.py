# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios of the extension repository's tests inside Blender, with its own operators. The tests check the results
outside."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import bpy

EXTENSION = "longanimation_color"
ADDRESS = "http://studio.example:7860"


def run(name: str, answer: str, *arguments: Any) -> None:
    """Run the scenario `name`, and write what it returns as JSON to `answer`."""
    preferences = bpy.context.preferences
    preferences.system.use_online_access = True
    while preferences.extensions.repos:  # one of them is on the internet
        preferences.extensions.repos.remove(preferences.extensions.repos[0])
    Path(answer).write_text(json.dumps(globals()[name](*arguments)), encoding="utf-8")


def install(url: str, token: str = "") -> dict[str, Any]:
    """Add a server as a repository and install the add-on from it."""
    access = {"use_access_token": True, "access_token": token} if token else {}
    bpy.ops.preferences.extension_repo_add(type="REMOTE", remote_url=url, **access)
    bpy.ops.extensions.repo_sync(repo_index=0)
    bpy.ops.extensions.package_install(repo_index=0, pkg_id=EXTENSION)
    return _found()


def update(url: str, archives: str, newer: str) -> list[dict[str, Any]]:
    """Install the add-on; put a newer one into the server's folder, and let Blender update; ask for updates again."""
    found = [install(url)]
    _own_preferences().server = ADDRESS
    Path(archives, Path(newer).name).write_bytes(Path(newer).read_bytes())
    for _ in range(2):
        bpy.ops.extensions.repo_sync(repo_index=0)
        bpy.ops.extensions.package_upgrade_all()
        found.append(_found() | {"keeps its address": _own_preferences().server == ADDRESS})
    return found


def _module() -> str:
    return f"bl_ext.{bpy.context.preferences.extensions.repos[0].module}.{EXTENSION}"


def _own_preferences() -> Any:
    return bpy.context.preferences.addons[_module()].preferences


def _found() -> dict[str, Any]:
    """Which version of the add-on is loaded, whether it works, and the address and token of the server it uses."""
    server = None
    if _module() in bpy.context.preferences.addons:
        address = _own_preferences().server
        server = [address, importlib.import_module(f"{_module()}.preferences").token_of(address)]
    return {
        "server": server,
        "enabled": _module() in bpy.context.preferences.addons,
        "operator": "color_shot" in dir(bpy.ops.longanimation),
        "scene settings": hasattr(bpy.types.Scene, "longanimation"),
        "version": getattr(sys.modules.get(_module()), "VERSION", None),
    }
