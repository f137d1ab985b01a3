# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of Blender that the extension uses but the API does not document; any version may change them.

`tests/blender/test_internals.py` fails if Blender no longer matches the descriptions here.
"""

from __future__ import annotations

from ctypes import Structure, c_char, c_float, c_int

import bpy
from bl_operators.presets import AddPresetBase

PresetOperator = AddPresetBase
"""Base of operators that save and remove presets: Blender's own, in scripts/startup/bl_operators/presets.py."""

draw_preset_menu = bpy.types.Menu.draw_preset
"""How a menu lists the files of its `preset_subdir` (scripts/modules/bpy_types.py)."""

EXECUTE_PRESET = "script.execute_preset"
"""The operator that such a menu runs for a file."""

RENDER_RESULT = "Render Result"
"""Name of the image that shows what was rendered last."""

PLAYBACK = "SCREEN_OT_animation_play"
"""The modal operator that runs while an animation is played."""


class StripElem(Structure):
    """An element of an image strip as it is in memory, the same in 4.2 to 5.2 (DNA_sequence_types.h)."""

    _fields_ = (("filename", c_char * 256), ("orig_width", c_int), ("orig_height", c_int), ("orig_fps", c_float))


def memory_of(element: bpy.types.StripElement) -> StripElem | None:
    """The memory of an image strip's element, to write to; None if it does not match Blender's own properties."""
    memory = StripElem.from_address(element.as_pointer())
    found = (memory.filename, memory.orig_width, memory.orig_height)
    return memory if found == (element.filename.encode(), element.orig_width, element.orig_height) else None
