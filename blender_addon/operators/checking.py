# SPDX-License-Identifier: GPL-3.0-or-later
"""The shot looked at before it is sent."""

from __future__ import annotations

import bpy

from .. import monitor
from ..errors import ColorError, ShotError
from ..sequencer import strips
from ..shot.request import ShotRequest
from ..takes.take import Take
from .exporting import ExportsShots, request_of
from .queue import OfTake


class LONGANIMATION_OT_check_shot(ExportsShots, bpy.types.Operator):
    """Export the shot and look for open outlines, cuts, empty frames and keyframes that do not fit; nothing is sent"""

    bl_idname = "longanimation.check_shot"
    bl_label = "Check Shot"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    sends = False

    def requests(self, context: bpy.types.Context) -> list[ShotRequest]:
        """The shot of the scene."""
        return [request_of(context.scene)]

    def use(self, take: Take) -> None:
        """Keep the exported take, and look at it."""
        monitor.keep(take)
        if not bpy.app.background:
            monitor.inspect(take.job)

    def wait(self, jobs: list[str]) -> set[str]:
        """Wait until all was looked at, in background Blender."""
        for job in jobs:
            inspection = monitor.inspect(job)
            inspection.wait()
            for finding in inspection.findings:
                self.report({"WARNING"}, f"Frame {finding.frame}: {finding.sentence}")
            if inspection.problem:
                self.report({"ERROR"}, inspection.problem)
        return {"FINISHED"}


class LONGANIMATION_OT_jump_to_frame(bpy.types.Operator):
    """Go to this frame"""

    bl_idname = "longanimation.jump_to_frame"
    bl_label = "Jump to Frame"

    frame: bpy.props.IntProperty(name="Frame", description="Number of the frame", options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        context.scene.frame_set(self.frame)
        return {"FINISHED"}


class LONGANIMATION_OT_show_overlay(OfTake, bpy.types.Operator):
    """Show what was found over the drawings in the Sequencer, or take it away again"""

    bl_idname = "longanimation.show_overlay"
    bl_label = "Show in Sequencer"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        try:
            if self.job not in monitor.entries:
                raise ShotError("This take is not known any more: check the shot again.")
            strips.toggle_overlay(context.scene, monitor.entries[self.job].take)
        except ColorError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


CLASSES = (LONGANIMATION_OT_check_shot, LONGANIMATION_OT_jump_to_frame, LONGANIMATION_OT_show_overlay)
