# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes in progress: cancelled, tried again, moved up and down the queue."""

from __future__ import annotations

import bpy

from .. import compat, take_manager
from ..shared.errors import ColorError
from ..takes.take import Take
from ..translations import translated
from .export import wait_for


class OfTake:
    """Base of operators on a take, which is identified by its job."""

    job: bpy.props.StringProperty(name="Job", description="Id of the take's job", options={"SKIP_SAVE", "HIDDEN"})

    @property
    def take(self) -> Take:
        """The take."""
        return take_manager.entries[self.job].take

    def timeline(self, context: bpy.types.Context) -> bpy.types.Scene:
        """The scene whose Sequencer shows the take; the current one if that is gone."""
        return bpy.data.scenes.get(self.take.placement.scene, compat.timeline(context))


class LONGANIMATION_OT_cancel(OfTake, bpy.types.Operator):
    """Stop coloring this take, here and on the server"""

    bl_idname = "longanimation.cancel"
    bl_label = "Cancel Take"

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        take_manager.cancel(self.job)
        return {"FINISHED"}


class LONGANIMATION_OT_retry(OfTake, bpy.types.Operator):
    """Send the take; if it was sent before, what is finished is kept"""

    bl_idname = "longanimation.retry"
    bl_label = "Try Again"

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Called by Blender; in background Blender it returns when the take has ended."""
        try:
            take_manager.submit(self.take)
        except ColorError as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        return wait_for(self, [self.job]) if bpy.app.background else {"FINISHED"}


class LONGANIMATION_OT_prioritize(OfTake, bpy.types.Operator):
    """Change this take's priority in the queue"""

    bl_idname = "longanimation.prioritize"
    bl_label = "Priority"

    priority: bpy.props.EnumProperty(
        name="Priority",
        description="When the take is colored, compared with others that wait on the server",
        items=(
            ("high", "High", "Before all others; only for the server's administrators"),
            ("normal", "Normal", "In the order of arrival"),
            ("low", "Low", "When nothing else waits"),
        ),
        default="normal",
    )

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        session = take_manager.entries[self.job].session
        if session is not None:
            session.prioritize(self.priority)
        return {"FINISHED"}


CLASSES = (LONGANIMATION_OT_cancel, LONGANIMATION_OT_retry, LONGANIMATION_OT_prioritize)
