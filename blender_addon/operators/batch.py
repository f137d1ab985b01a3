# SPDX-License-Identifier: GPL-3.0-or-later
"""Many shots at once: collected from markers, strips and scenes, listed, and sent together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bpy

from .. import compat, take_manager
from ..properties.batch import of_file
from ..sequencer.strips import JOB
from ..shared.errors import ColorError, ShotError
from ..shared.translatable_text import TranslatableText
from ..shot.batch import BatchShot, from_spans, of_scene, with_unique_names
from ..shot.batch_sources import shots_of_markers, shots_of_scenes, span_of
from ..shot.request import ShotRequest
from ..takes.timeline import SUFFIX, write_timeline
from ..translations import translated
from .export import ExportsShots
from .requests import request_of_shot

_PICTURES = {"IMAGE", "MOVIE", "MOVIECLIP", "COLOR", "META"}
"""Types of strips that stand for frames of their own scene, as in an animatic. The scene's settings choose the source
of the line art, even for such strips."""


def _open_strips_of(timeline: bpy.types.Scene) -> list[bpy.types.Strip]:
    """The strips of the level that is open in the Sequencer: the top level, or the inside of a meta strip."""
    editor = timeline.sequence_editor
    if editor is None:
        return []
    return list(compat.strips_of(editor.meta_stack[-1] if editor.meta_stack else editor))


def _collect(operator: bpy.types.Operator, context: bpy.types.Context, find: Callable[[], list[BatchShot]]) -> set[str]:
    """Add the shots that `find` returns to the batch, except those that are already in it."""
    try:
        shots = find()
    except ColorError as error:
        operator.report({"ERROR"}, translated(str(error)))
        return {"CANCELLED"}
    batch = of_file(context.scene)
    known = [(one.scene, one.frames) for one in batch.shots]
    new = [shot for shot in shots if (bpy.data.scenes[shot.scene], shot.frames) not in known]
    for shot in with_unique_names(new, [one.name for one in batch.shots]):
        batch.shots.add().fill(shot)
    batch.active = len(batch.shots) - 1
    message = TranslatableText(
        "Shots added: {new}; already in the batch: {known}", new=len(new), known=len(shots) - len(new)
    )
    operator.report({"INFO"}, translated(message))
    return {"FINISHED"}


class LONGANIMATION_OT_batch_markers(bpy.types.Operator):
    """Add a shot for each marker of the timeline; it ends before the next marker"""

    bl_idname = "longanimation.batch_markers"
    bl_label = "From Markers"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender; uses the markers of the visible timeline."""
        scene = compat.timeline(context)
        return _collect(self, context, lambda: shots_of_markers(scene))


class LONGANIMATION_OT_batch_strips(bpy.types.Operator):
    """Add a shot for each selected strip: for a scene strip, its scene's frames; for others, this scene's frames"""

    bl_idname = "longanimation.batch_strips"
    bl_label = "From Strips"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender; strips that cannot be a shot are reported, and do not stop the others."""
        timeline = compat.sequencer_scene(context)
        spans = []
        for strip in _open_strips_of(timeline):
            if strip.select and strip.type in {"SCENE", *_PICTURES} and JOB not in strip:
                try:
                    spans.append(span_of(timeline, strip))
                except ShotError as error:
                    self.report({"WARNING"}, translated(str(error)))
        return _collect(self, context, lambda: from_spans(timeline.name, spans))


class LONGANIMATION_OT_batch_scenes(bpy.types.Operator):
    """Add a shot for each scene of the file that has a camera"""

    bl_idname = "longanimation.batch_scenes"
    bl_label = "From Scenes"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        return _collect(self, context, shots_of_scenes)


class LONGANIMATION_OT_batch_add(bpy.types.Operator):
    """Add this scene's frames as a shot; you can change its name and frames"""

    bl_idname = "longanimation.batch_add"
    bl_label = "Add Shot"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        batch = of_file(context.scene)
        shot = of_scene(context.scene.name, context.scene.longanimation.frames)
        batch.shots.add().fill(*with_unique_names([shot], [one.name for one in batch.shots]))
        batch.active = len(batch.shots) - 1
        return {"FINISHED"}


class _OfBatch:
    """Base of operators on the batch's shots: they need at least one."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Called by Blender."""
        return len(of_file(context.scene).shots) > 0


class LONGANIMATION_OT_batch_remove(_OfBatch, bpy.types.Operator):
    """Remove the chosen shot from the batch"""

    bl_idname = "longanimation.batch_remove"
    bl_label = "Remove Shot"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        batch = of_file(context.scene)
        batch.shots.remove(batch.active)
        batch.active = max(0, min(batch.active, len(batch.shots) - 1))
        return {"FINISHED"}


class LONGANIMATION_OT_batch_clear(_OfBatch, bpy.types.Operator):
    """Remove all shots from the batch; takes and strips are kept"""

    bl_idname = "longanimation.batch_clear"
    bl_label = "Clear Batch"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        batch = of_file(context.scene)
        batch.shots.clear()
        batch.active = 0
        return {"FINISHED"}


class LONGANIMATION_OT_batch_jump(bpy.types.Operator):
    """Go to the first frame of the chosen shot, in its scene"""

    bl_idname = "longanimation.batch_jump"
    bl_label = "Jump to Shot"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Called by Blender."""
        shot = of_file(context.scene).chosen
        return shot is not None and shot.scene is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        batch = of_file(context.scene)
        shot = batch.shots[batch.active]
        if context.window is not None:
            context.window.scene = shot.scene
        shot.scene.frame_set(shot.frame_start)
        return {"FINISHED"}


class LONGANIMATION_OT_color_batch(ExportsShots, _OfBatch, bpy.types.Operator):
    """Color every enabled shot of the batch that has a keyframe; you can continue to work meanwhile"""

    bl_idname = "longanimation.color_batch"
    bl_label = "Color All"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def requests(self, context: bpy.types.Context) -> list[ShotRequest]:
        """The shots that can be colored; problems of the others are reported. Raises ShotError if there are none."""
        wanted = [shot for shot in of_file(context.scene).shots if shot.enabled]
        problems = [
            TranslatableText("{shot}: {problem}", shot=shot.name, problem=shot.problem)
            for shot in wanted
            if shot.problem
        ]
        ready = [shot.as_shot() for shot in wanted if not shot.problem]
        if not ready:
            unticked = TranslatableText("No shot of the batch is enabled: turn on the checkboxes of those to color.")
            raise ShotError(problems[0] if problems else unticked)
        for problem in problems:
            self.report({"WARNING"}, translated(problem))
        return [request_of_shot(shot) for shot in ready]


class LONGANIMATION_OT_batch_timeline(_OfBatch, bpy.types.Operator):
    """Write a timeline for OpenTimelineIO (.otio): one clip for the newest finished take of each enabled shot"""

    bl_idname = "longanimation.batch_timeline"
    bl_label = "Export Timeline"

    filepath: bpy.props.StringProperty(name="File", description="Timeline file", subtype="FILE_PATH")
    filter_glob: bpy.props.StringProperty(default=f"*{SUFFIX}", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Let the animator choose the file."""
        self.filepath = f"{context.scene.name}{SUFFIX}"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        path = Path(bpy.path.ensure_ext(bpy.path.abspath(self.filepath), SUFFIX))
        names = [shot.name for shot in of_file(context.scene).shots if shot.enabled]
        newest = {take.manifest.name: take for take in take_manager.finished()}
        takes = [newest[name] for name in names if name in newest]
        try:
            if not takes:
                raise ShotError(
                    TranslatableText("No enabled shot of the batch has a finished take: color the shots first.")
                )
            write_timeline(path, takes)
        except (ColorError, OSError) as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        for name in names:
            if name not in newest:
                self.report({"WARNING"}, translated(TranslatableText("{shot} has no finished take", shot=name)))
        self.report({"INFO"}, translated(TranslatableText("The timeline is in {path}", path=path)))
        return {"FINISHED"}


CLASSES = (
    LONGANIMATION_OT_batch_markers,
    LONGANIMATION_OT_batch_strips,
    LONGANIMATION_OT_batch_scenes,
    LONGANIMATION_OT_batch_add,
    LONGANIMATION_OT_batch_remove,
    LONGANIMATION_OT_batch_clear,
    LONGANIMATION_OT_batch_jump,
    LONGANIMATION_OT_color_batch,
    LONGANIMATION_OT_batch_timeline,
)
