# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension enabled and disabled."""

from __future__ import annotations

from typing import Any

import bpy

from benchmarks.blender.stage import extension
from server.demo.in_blender.extension import EXTENSION


def registration() -> dict[str, Any]:
    """What the enabled extension adds, and what is left of it when it is disabled."""

    def added() -> dict[str, bool]:
        return {
            "scene settings": hasattr(bpy.types.Scene, "longanimation"),
            "operator": "color_shot" in dir(bpy.ops.longanimation),
            "sequencer panel": hasattr(bpy.types, "LONGANIMATION_PT_sequence_shot"),
            "3D view panel": hasattr(bpy.types, "LONGANIMATION_PT_view_shot"),
        }

    server = bpy.context.preferences.addons[EXTENSION].preferences.server
    enabled = added()
    bpy.ops.preferences.addon_disable(module=EXTENSION)
    disabled = added()
    bpy.ops.preferences.addon_enable(module=EXTENSION)
    return {"server": server, "enabled": enabled, "disabled": disabled, "again": added()}


def uninstalled() -> dict[str, bool]:
    """What is left of a take of a file that was never saved, and of the extension, when that is uninstalled."""
    take = extension("preferences").new_take_folder("shot")
    take.mkdir(parents=True)
    repository = next(one for one in bpy.context.preferences.extensions.repos if one.module == "user_default")
    bpy.ops.extensions.package_uninstall(repo_directory=repository.directory, pkg_id=EXTENSION.rpartition(".")[2])
    return {"extension": EXTENSION in bpy.context.preferences.addons, "take": take.is_dir()}
