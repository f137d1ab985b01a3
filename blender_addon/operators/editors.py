# SPDX-License-Identifier: GPL-3.0-or-later
"""Where images are shown and painted."""

import bpy


def show_image(context: bpy.types.Context, image: bpy.types.Image, paint: bool = False) -> None:
    """Show an image in an Image Editor of this window, or in a new window; `paint` lets it be painted there.

    In background Blender there is nowhere to show it.
    """
    if bpy.app.background:
        return
    area = next((area for area in context.window.screen.areas if area.ui_type == "IMAGE_EDITOR"), None)
    if area is None:
        bpy.ops.wm.window_new()
        area = context.window_manager.windows[-1].screen.areas[0]
        area.ui_type = "IMAGE_EDITOR"
    area.spaces.active.image = image
    if paint:
        area.spaces.active.ui_mode = "PAINT"
