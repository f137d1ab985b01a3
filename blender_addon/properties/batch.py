# SPDX-License-Identifier: GPL-3.0-or-later
"""The shots that are colored together."""

from __future__ import annotations

import bpy

from ..shot.batch import BatchShot, problem_of
from ..translatable_text import TranslatableText


class LONGANIMATION_batch_shot(bpy.types.PropertyGroup):
    """A shot of the batch."""

    enabled: bpy.props.BoolProperty(name="Color", description="Color this shot with the others", default=True)
    name: bpy.props.StringProperty(name="Name", description="What the shot is called; its folder is named after it")
    scene: bpy.props.PointerProperty(
        type=bpy.types.Scene,
        name="Scene",
        description="The scene that is drawn, with the shot's keyframes and settings",
    )
    frame_start: bpy.props.IntProperty(name="Start", description="First frame of the shot")
    frame_end: bpy.props.IntProperty(name="End", description="Last frame of the shot")
    timeline: bpy.props.PointerProperty(
        type=bpy.types.Scene, name="Timeline", description="The scene whose Sequencer shows the result"
    )
    shift: bpy.props.IntProperty(
        name="Shift", description="How many frames later than the drawings the result lies in its timeline"
    )

    @property
    def frames(self) -> range:
        """The frames to color."""
        return range(self.frame_start, self.frame_end + 1)

    @property
    def problem(self) -> str:
        """Why the shot cannot be colored, and what to do; "" when it can."""
        if self.scene is None or self.timeline is None:
            return TranslatableText("The scene of {shot} is gone: choose another, or remove the shot.", shot=self.name)
        return problem_of(self.frames, [item.frame for item in self.scene.longanimation.keyframes])

    def as_shot(self) -> BatchShot:
        """The shot as plain values; only of one without a problem."""
        return BatchShot(self.name, self.scene.name, self.frames, self.timeline.name, self.frame_start + self.shift)

    def fill(self, shot: BatchShot) -> None:
        """Take over the values of a shot of the open file."""
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
    """The batch of the open file. A file has one, whatever scene is shown; it is kept in the first that has shots, or
    begins in `scene`."""
    return next(
        (one.longanimation_batch for one in bpy.data.scenes if one.longanimation_batch.shots), scene.longanimation_batch
    )


CLASSES = (LONGANIMATION_batch_shot, LONGANIMATION_batch)
