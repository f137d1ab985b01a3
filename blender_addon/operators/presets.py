# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of shots, saved under names (Blender manual, Interface › Controls › Templates › Presets)."""

import bpy

from ..internals import EXECUTE_PRESET, PresetOperator, draw_preset_menu


class LONGANIMATION_MT_presets(bpy.types.Menu):
    """Settings that were saved under a name"""

    bl_label = "Settings"
    preset_subdir = "longanimation"
    preset_operator = EXECUTE_PRESET
    draw = draw_preset_menu


class LONGANIMATION_OT_add_preset(PresetOperator, bpy.types.Operator):
    """Save these settings under a name, or delete the chosen ones"""

    bl_idname = "longanimation.add_preset"
    bl_label = "Save Settings"
    preset_menu = "LONGANIMATION_MT_presets"
    preset_subdir = "longanimation"
    preset_defines = ("shot = bpy.context.scene.longanimation",)
    preset_values = (
        "shot.server",
        "shot.preset",
        "shot.finish",
        "shot.quality",
        "shot.seed",
        "shot.prompt",
        "shot.layout",
        "shot.keep_background",
    )


CLASSES = (LONGANIMATION_MT_presets, LONGANIMATION_OT_add_preset)
