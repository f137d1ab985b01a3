# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators in Blender's own menus, where F3 finds them."""

import bpy

from .. import manual

_EVERYWHERE = ("color_shot", "check_shot", "add_keyframe", "fix_frame")
_DRAWING = ("add_keyframe", "color_shot")
_PAINTING = (*_DRAWING, "fill_drawing")
_MENUS = {
    "TOPBAR_MT_render": _EVERYWHERE,  # F3 searches the menus of the top bar in every editor
    "SEQUENCER_MT_strip": ("fix_frame", "color_shot"),
    "DOPESHEET_MT_key": _DRAWING,
    "DOPESHEET_MT_gpencil_key": _DRAWING,  # before 4.3
    "VIEW3D_MT_paint_grease_pencil": _PAINTING,
    "VIEW3D_MT_draw_gpencil": _PAINTING,  # before 4.3
    "VIEW3D_MT_edit_greasepencil": _PAINTING,
    "VIEW3D_MT_edit_gpencil": _PAINTING,  # before 4.3
    "IMAGE_MT_image": ("fix_frame", "recolor_from_fix"),
}
"""The operators that are added to each menu. A Blender that lacks a menu has another one of them."""


def register() -> None:
    """Add the operators."""
    for menu in _here():
        menu.append(_draw)
    bpy.types.TOPBAR_MT_help.append(_draw_manual)


def unregister() -> None:
    """Remove the operators."""
    bpy.types.TOPBAR_MT_help.remove(_draw_manual)
    for menu in _here():
        menu.remove(_draw)


def _here() -> list[type[bpy.types.Menu]]:
    return [getattr(bpy.types, name) for name in _MENUS if hasattr(bpy.types, name)]


def _draw_manual(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
    menu.layout.operator("wm.url_open", text="LongAnimation Color Manual", icon="HELP").url = manual.ADDRESS


def _draw(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
    layout = menu.layout
    layout.separator()
    layout.operator_context = "INVOKE_DEFAULT"  # a menu of Blender's may run operators without the animator's input
    for name in _MENUS[type(menu).__name__]:
        layout.operator(f"longanimation.{name}")
