# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the shot before it is sent."""

from __future__ import annotations

import tempfile
from pathlib import Path

import bpy

from .. import compat, take_manager
from ..checks.findings import fitted_keyframe
from ..checks.groups import grouped
from ..png_pixels import write_png
from ..sequencer import strips
from ..shared.errors import ColorError, ShotError
from ..shared.translatable_text import TranslatableText
from ..shot.request import ShotRequest
from ..takes.take import Take
from ..translations import translated
from .editors import show_image
from .export import ExportsShots
from .queue import OfTake
from .requests import request_of


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
        """Keep the exported take instead of an earlier check of the shot, and inspect it."""
        for job, entry in [*take_manager.entries.items()]:
            earlier = entry.take
            if earlier.shot == take.shot and earlier.state == "exported" and entry.inspection is not None:
                take_manager.discard(job)
        take_manager.register(take)
        if not bpy.app.background:
            take_manager.inspect(take.job)

    def wait(self, jobs: list[str]) -> set[str]:
        """Wait until everything is checked, in background Blender."""
        for job in jobs:
            inspection = take_manager.inspect(job)
            inspection.wait()
            for group in grouped(inspection.findings):
                frames = ", ".join(group.names)
                message = TranslatableText("Frames {frames}: {sentence}", frames=frames, sentence=group.sentence)
                self.report({"WARNING"}, translated(message))
            if inspection.problem:
                self.report({"ERROR"}, translated(inspection.problem))
        return {"FINISHED"}


class LONGANIMATION_OT_jump_to_frame(OfTake, bpy.types.Operator):
    """Go to this frame"""

    bl_idname = "longanimation.jump_to_frame"
    bl_label = "Jump to Frame"

    frame: bpy.props.IntProperty(name="Frame", description="Number of the frame", options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        _show_frame(self, context, self.frame)
        return {"FINISHED"}


class LONGANIMATION_OT_step_to_finding(OfTake, bpy.types.Operator):
    """Go to the next frame with a finding, or to the one before"""

    bl_idname = "longanimation.step_to_finding"
    bl_label = "Next Finding"

    forward: bpy.props.BoolProperty(name="Forward", description="To the next, not to the one before", default=True)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender; after the last frame comes the first."""
        manifest, here = self.take.manifest, self.timeline(context).frame_current
        shown = here - self.take.placement.start + manifest.frame_start
        inspection = take_manager.entries[self.job].inspection
        frames = sorted({finding.frame for finding in inspection.findings}) if inspection else []
        if not frames:
            return {"CANCELLED"}
        if self.forward:
            frame = next((frame for frame in frames if frame > shown), frames[0])
        else:
            frame = next((frame for frame in reversed(frames) if frame < shown), frames[-1])
        _show_frame(self, context, frame)
        return {"FINISHED"}


class LONGANIMATION_OT_fit_keyframe(OfTake, bpy.types.Operator):
    """Move and scale a copy of the keyframe's painting to fit its drawing, use the copy, and show it"""

    bl_idname = "longanimation.fit_keyframe"
    bl_label = "Fit Keyframe"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    frame: bpy.props.IntProperty(name="Frame", description="Frame that the keyframe paints", options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender; in background Blender the fitted image is made and not shown."""
        shot = context.scene.longanimation
        keyframe = shot.keyframe_at(self.frame)
        try:
            if self.job not in take_manager.entries or keyframe is None:
                raise ShotError(
                    TranslatableText("Keyframe {frame} no longer exists: check the shot again.", frame=self.frame)
                )
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "fitted.png"
                write_png(path, fitted_keyframe(self.take, self.frame))
                image = bpy.data.images.load(str(path))
                image.pack()
        except ColorError as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        image.name = f"{context.scene.name} keyframe {self.frame}, fitted"
        keyframe.image = image
        show_image(context, image)
        return {"FINISHED"}


class LONGANIMATION_OT_show_overlay(OfTake, bpy.types.Operator):
    """Show the findings over the drawings in the Sequencer, or remove them again"""

    bl_idname = "longanimation.show_overlay"
    bl_label = "Show in Sequencer"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        try:
            if self.job not in take_manager.entries:
                raise ShotError(TranslatableText("This take is no longer known: check the shot again."))
            strips.toggle_overlay(self.timeline(context), self.take)
            compat.show_in_sequencer(self.timeline(context), context.workspace)
        except ColorError as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        return {"FINISHED"}


def _show_frame(operator: OfTake, context: bpy.types.Context, frame: int) -> None:
    """Go to a frame of the shot in the timeline that shows the take."""
    take = operator.take
    operator.timeline(context).frame_set(frame - take.manifest.frame_start + take.placement.start)


CLASSES = (
    LONGANIMATION_OT_check_shot,
    LONGANIMATION_OT_fit_keyframe,
    LONGANIMATION_OT_jump_to_frame,
    LONGANIMATION_OT_show_overlay,
    LONGANIMATION_OT_step_to_finding,
)
