# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension enabled and disabled."""

from __future__ import annotations

from typing import Any

import bpy

from tests.demo.in_blender import EXTENSION


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
