# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows the results of operators in Blender's editors."""

from __future__ import annotations

import bpy

from .. import compat, take_manager
from ..widgets import TAB

_TICK = 0.02
_MOST_TRIES = 100


def show_image(context: bpy.types.Context, image: bpy.types.Image, paint: bool = False) -> None:
    """Show an image in an open Image Editor, or in a new window; `paint` turns on paint mode there.

    Background Blender has no editors, so it shows nothing.
    """
    if context.window is not None and not bpy.app.background:
        bpy.ops.longanimation.show_image("INVOKE_DEFAULT", image=image.name, paint=paint)


class LONGANIMATION_OT_show_image(bpy.types.Operator):
    """Show an image in an open Image Editor, or in a new window"""

    # This is an operator so that the new window opens in Blender's own context. Blender up to 5.0 reads a context that
    # is overridden from Python without Python's lock, while the threads of takes run.
    bl_idname = "longanimation.show_image"
    bl_label = "Show Image"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    image: bpy.props.StringProperty(name="Image", description="Name of the image", options={"SKIP_SAVE"})
    paint: bpy.props.BoolProperty(name="Paint", description="Open it in paint mode", options={"SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Wait for the next event: Blender 4.3 crashes if a panel's button opens a window immediately."""
        self._area: bpy.types.Area | None = None
        self._tries = 0
        self._timer = context.window_manager.event_timer_add(_TICK, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Show the image, if it is still there, and then make its editor ready for painting."""
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        if self._area is None:
            image = bpy.data.images.get(self.image)
            if image is not None:
                area = self._area = _editor(context)
                area.spaces.active.image = image
                if self.paint:
                    area.spaces.active.ui_mode, area.spaces.active.show_region_ui = "PAINT", True
                    return {"PASS_THROUGH"}
        elif not _show_tab(self._area) and self._tries < _MOST_TRIES:
            self._tries += 1
            return {"PASS_THROUGH"}
        context.window_manager.event_timer_remove(self._timer)
        if self._area is not None and self.paint and compat.allows_override(take_manager.has_threads()):
            compat.take_fill_brush(context, self._area)
        return {"FINISHED"}


def _editor(context: bpy.types.Context) -> bpy.types.Area:
    """An open Image Editor, or one in a new window."""
    windows = [context.window, *context.window_manager.windows]
    areas = [area for window in windows for area in window.screen.areas]
    area = next((area for area in areas if area.ui_type == "IMAGE_EDITOR"), None)
    if area is None:
        bpy.ops.wm.window_new()
        area = context.window_manager.windows[-1].screen.areas[0]
        area.ui_type = "IMAGE_EDITOR"
    return area


def _show_tab(area: bpy.types.Area) -> bool:
    """Show our tab in an editor's sidebar. Returns whether that was possible: it has no tabs until it is drawn."""
    sidebar = next(region for region in area.regions if region.type == "UI")
    try:
        sidebar.active_panel_category = TAB
    except (AttributeError, TypeError):  # it cannot be set, or has no such tab yet
        return False
    return True


CLASSES = (LONGANIMATION_OT_show_image,)
