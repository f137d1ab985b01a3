# SPDX-License-Identifier: GPL-3.0-or-later
"""The shots that are colored together."""

from __future__ import annotations

import bpy

from ..shared.translatable_text import TranslatableText
from ..shot.batch import BatchShot, problem_of


class LONGANIMATION_batch_shot(bpy.types.PropertyGroup):
    """A shot of the batch."""

    enabled: bpy.props.BoolProperty(name="Color", description="Color this shot with the others", default=True)
    name: bpy.props.StringProperty(name="Name", description="Name of the shot; its folder is named after it")
    scene: bpy.props.PointerProperty(
        type=bpy.types.Scene,
        name="Scene",
        description="The scene with the shot's drawings, keyframes and settings",
    )
    frame_start: bpy.props.IntProperty(name="Start", description="First frame of the shot")
    frame_end: bpy.props.IntProperty(name="End", description="Last frame of the shot")
    timeline: bpy.props.PointerProperty(
        type=bpy.types.Scene, name="Timeline", description="The scene whose Sequencer shows the result"
    )
    shift: bpy.props.IntProperty(
        name="Shift", description="Frames by which the result is later in its timeline than the drawings are"
    )

    @property
    def frames(self) -> range:
        """The frames to color."""
        return range(self.frame_start, self.frame_end + 1)

    @property
    def problem(self) -> str:
        """Why the shot cannot be colored, and what to do; "" if it can."""
        if self.scene is None or self.timeline is None:
            return TranslatableText("The scene of {shot} is gone: choose another, or remove the shot.", shot=self.name)
        return problem_of(self.frames, [item.frame for item in self.scene.longanimation.keyframes])

    def as_shot(self) -> BatchShot:
        """The shot as plain values, if it has no problem."""
        return BatchShot(self.name, self.scene.name, self.frames, self.timeline.name, self.frame_start + self.shift)

    def fill(self, shot: BatchShot) -> None:
        """Copy the values of a shot of the open file."""
        self.name = shot.name
        self.scene = bpy.data.scenes[shot.scene]
        self.timeline = bpy.data.scenes[shot.timeline]
        self.frame_start, self.frame_end = shot.frames.start, shot.frames.stop - 1
        self.shift = shot.start - shot.frames.start


class LONGANIMATION_batch(bpy.types.PropertyGroup):
    """The shots that are colored together."""

    shots: bpy.props.CollectionProperty(type=LONGANIMATION_batch_shot)
    active: bpy.props.IntProperty(name="Active Shot", description="The shot that is chosen in the list")

    @property
    def chosen(self) -> LONGANIMATION_batch_shot | None:
        """The shot that is chosen in the list, if any."""
        return self.shots[self.active] if 0 <= self.active < len(self.shots) else None


def of_file(scene: bpy.types.Scene) -> LONGANIMATION_batch:
    """The batch of the open file.

    A file has only one, whichever scene is shown. It is stored in the first scene with batch shots, or else in `scene`.
    """
    return next(
        (one.longanimation_batch for one in bpy.data.scenes if one.longanimation_batch.shots), scene.longanimation_batch
    )


CLASSES = (LONGANIMATION_batch_shot, LONGANIMATION_batch)
