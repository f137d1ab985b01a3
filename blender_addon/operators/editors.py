# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's editors, where they show what an operator made."""

import bpy


def show_image(context: bpy.types.Context, image: bpy.types.Image, paint: bool = False) -> None:
    """Show an image in an Image Editor of this window, or in a new window; `paint` lets it be painted there.

    It comes with the next tick: Blender 4.3 ends when a button of a panel opens a window at once. In background
    Blender there is nowhere to show it.
    """
    if bpy.app.background:
        return
    window, name = context.window, image.name

    def show() -> None:
        if window in [*bpy.context.window_manager.windows] and name in bpy.data.images:
            _show(window, bpy.data.images[name], paint)

    bpy.app.timers.register(show, first_interval=0.0)


def _show(window: bpy.types.Window, image: bpy.types.Image, paint: bool) -> None:
    area = next((area for area in window.screen.areas if area.ui_type == "IMAGE_EDITOR"), None)
    if area is None:
        with bpy.context.temp_override(window=window):
            bpy.ops.wm.window_new()
        area = bpy.context.window_manager.windows[-1].screen.areas[0]
        area.ui_type = "IMAGE_EDITOR"
    area.spaces.active.image = image
    if paint:
        area.spaces.active.ui_mode = "PAINT"
