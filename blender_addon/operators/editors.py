# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's editors, where they show what an operator made."""

from __future__ import annotations

import bpy


def show_image(context: bpy.types.Context, image: bpy.types.Image, paint: bool = False) -> None:
    """Show an image in an Image Editor that is open, or in a new window; `paint` lets it be painted there.

    In background Blender there is nowhere to show it.
    """
    if context.window is not None and not bpy.app.background:
        bpy.ops.longanimation.show_image("INVOKE_DEFAULT", image=image.name, paint=paint)


class LONGANIMATION_OT_show_image(bpy.types.Operator):
    """Show an image in an Image Editor that is open, or in a new window"""

    # An operator, so that the new window opens in a context of Blender's own: up to Blender 5.0 one that is overridden
    # from Python is read without Python's lock, while the threads of takes run.
    bl_idname = "longanimation.show_image"
    bl_label = "Show Image"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    image: bpy.props.StringProperty(name="Image", description="Name of the image", options={"SKIP_SAVE"})
    paint: bpy.props.BoolProperty(name="Paint", description="Let it be painted", options={"SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Wait for the next event: Blender 4.3 ends when a button of a panel opens a window at once."""
        self._timer = context.window_manager.event_timer_add(0.01, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Show the image, if it is still there."""
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        context.window_manager.event_timer_remove(self._timer)
        image = bpy.data.images.get(self.image)
        if image is None:
            return {"CANCELLED"}
        windows = [context.window, *context.window_manager.windows]
        areas = [area for window in windows for area in window.screen.areas]
        area = next((area for area in areas if area.ui_type == "IMAGE_EDITOR"), None)
        if area is None:
            bpy.ops.wm.window_new()
            area = context.window_manager.windows[-1].screen.areas[0]
            area.ui_type = "IMAGE_EDITOR"
        area.spaces.active.image = image
        if self.paint:
            area.spaces.active.ui_mode = "PAINT"
        return {"FINISHED"}


CLASSES = (LONGANIMATION_OT_show_image,)
