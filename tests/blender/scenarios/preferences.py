# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers in the preferences."""

from __future__ import annotations

import os
from typing import Any

import bpy

from benchmarks.blender.stage import extension, shot
from server.demo.in_blender.extension import EXTENSION


def servers() -> dict[str, Any]:
    """Add servers, choose among them, and remove them."""
    scene = shot()
    preferences = bpy.context.preferences.addons[EXTENSION].preferences
    module = extension("preferences")
    answer: dict[str, Any] = {"first": [preferences.servers[0].name, preferences.servers[0].address]}
    for name, port in (("Eight", 8), ("Nine", 9)):
        bpy.ops.longanimation.add_server()
        entry = preferences.servers[-1]
        entry.name, entry.address, entry.token = name, f"http://127.0.0.1:{port}", name.lower()
    answer["active"] = module.server_of(scene).address
    scene.longanimation.server = "Eight"
    answer["chosen"] = module.server_of(scene).address
    scene.longanimation.server = "gone"
    answer["unknown name"] = module.server_of(scene).address
    answer["tokens"] = [module.token_of(entry.address) for entry in preferences.servers]
    os.environ["LONGANIMATION_TOKEN"] = "from outside"
    answer["environment"] = [module.token_of(entry.address) for entry in preferences.servers]
    del os.environ["LONGANIMATION_TOKEN"]
    bpy.ops.longanimation.remove_server()
    answer["removed"] = [entry.name for entry in preferences.servers]
    bpy.ops.longanimation.remove_server()
    answer["refused"] = not bpy.ops.longanimation.remove_server.poll()
    preferences.server = "http://studio.example:7860"
    try:
        module.make_client()
    except extension("shared.errors").ServerError as error:
        answer["offline"] = str(error)
    return answer
