# SPDX-License-Identifier: GPL-3.0-or-later
"""The manual: a page with the common tasks. It comes with the extension, and is read without a network."""

from pathlib import Path

import bpy

ADDRESS = Path(__file__).with_name("index.html").as_uri()
"""Where the web browser finds the page."""

_TASKS = {
    "paint": ("bpy.ops.longanimation.paint_keyframe",),
    "load": ("bpy.ops.longanimation.load_keyframes", "bpy.types.longanimation_keyframe.*"),
    "sheets": (
        *("bpy.ops.longanimation.load_sheets", "bpy.ops.longanimation.add_sheet"),
        *("bpy.ops.longanimation.remove_sheet", "bpy.ops.longanimation.share_sheets"),
        "bpy.types.longanimation_sheet.*",
    ),
    "exposure_sheets": (
        *("bpy.ops.longanimation.write_sheet", "bpy.types.longanimation_lineart.sheet"),
        "bpy.types.longanimation_lineart.column",
    ),
    "line_art": (
        *("bpy.ops.longanimation.preview_lineart", "bpy.ops.longanimation.set_layer_role"),
        *("bpy.types.longanimation_lineart.*", "bpy.types.longanimation_shot.keep_background"),
    ),
    "check": (
        *("bpy.ops.longanimation.check_shot", "bpy.ops.longanimation.fit_keyframe"),
        "bpy.ops.longanimation.show_overlay",
    ),
    "queue": ("bpy.ops.longanimation.cancel", "bpy.ops.longanimation.retry", "bpy.ops.longanimation.prioritize"),
    "fix": (
        *("bpy.ops.longanimation.fix_frame", "bpy.ops.longanimation.recolor_from_fix"),
        *("bpy.ops.longanimation.repaint_region", "bpy.ops.longanimation.show_regions"),
    ),
    "compare": ("bpy.ops.longanimation.compare_takes", "bpy.ops.longanimation.show_take"),
    "recolor": (
        *("bpy.ops.longanimation.*palette*", "bpy.ops.longanimation.recolor"),
        "bpy.types.longanimation_paint.*",
    ),
    "fills": ("bpy.ops.longanimation.make_fills", "bpy.ops.longanimation.fill_drawing"),
    "layers": ("bpy.ops.longanimation.part_take",),
    "batch": ("bpy.ops.longanimation.*batch*", "bpy.types.longanimation_batch*"),
    "color": ("bpy.ops.longanimation.*", "bpy.types.longanimation_*"),
}
"""The buttons and settings that each task of the page is about, as Blender names them; the first match counts."""


def tasks() -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return what Blender's *Online Manual* asks for: the start of all addresses, and the end of each button's."""
    return ADDRESS, tuple((pattern, f"#{task}") for task, patterns in _TASKS.items() for pattern in patterns)


def register() -> None:
    """Let *Online Manual* in the menu of our buttons open the page."""
    bpy.utils.register_manual_map(tasks)


def unregister() -> None:
    """Undo `register`."""
    bpy.utils.unregister_manual_map(tasks)
