# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators in Blender's own menus, where F3 finds them."""

import bpy

_EVERYWHERE = ("color_shot", "check_shot", "add_keyframe", "fix_frame")
_DRAWING = ("add_keyframe", "color_shot")
_MENUS = {
    "TOPBAR_MT_render": _EVERYWHERE,  # F3 searches the menus of the top bar in every editor
    "SEQUENCER_MT_strip": ("fix_frame", "color_shot"),
    "DOPESHEET_MT_key": _DRAWING,
    "DOPESHEET_MT_gpencil_key": _DRAWING,  # before 4.3
    "VIEW3D_MT_paint_grease_pencil": _DRAWING,
    "VIEW3D_MT_draw_gpencil": _DRAWING,  # before 4.3
    "VIEW3D_MT_edit_greasepencil": _DRAWING,
    "VIEW3D_MT_edit_gpencil": _DRAWING,  # before 4.3
    "IMAGE_MT_image": ("fix_frame", "recolor_from_fix"),
}
"""The operators that are added to each menu. A Blender that lacks a menu has another one of them."""


def register() -> None:
    """Add the operators."""
    for menu in _here():
        menu.append(_draw)


def unregister() -> None:
    """Remove the operators."""
    for menu in _here():
        menu.remove(_draw)


def _here() -> list[type[bpy.types.Menu]]:
    return [getattr(bpy.types, name) for name in _MENUS if hasattr(bpy.types, name)]


def _draw(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
    layout = menu.layout
    layout.separator()
    layout.operator_context = "INVOKE_DEFAULT"  # a menu of Blender's may run operators without the animator's input
    for name in _MENUS[type(menu).__name__]:
        layout.operator(f"longanimation.{name}")
