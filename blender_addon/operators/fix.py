# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixes a wrong colored frame: it is painted over and made a keyframe, and the shot is colored again from it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import bpy

from .. import take_manager
from ..preferences import new_take_folder
from ..shared.errors import ColorError, ShotError
from ..shared.translatable_text import TranslatableText
from ..shot import paints
from ..shot.painted_frame import FRAME, JOB, PaintedFrame
from ..takes.correction import correct
from ..takes.recolor import colors_of
from ..takes.take import Take, frame_name
from ..translations import translated
from .editors import show_image
from .export import next_number, wait_for


class LONGANIMATION_OT_fix_frame(bpy.types.Operator):
    """Open the colored frame at the playhead for painting"""

    bl_idname = "longanimation.fix_frame"
    bl_label = "Fix This Frame"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender; in background Blender the image is made and not shown."""
        try:
            take, frame = take_manager.shown_frame(context)
            image = painting_of_frame(take, frame)
            paints.offer(context.scene, colors_of(take))
        except ColorError as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        show_image(context, image, paint=True)
        return {"FINISHED"}


class LONGANIMATION_OT_recolor_from_fix(bpy.types.Operator):
    """Make the painted frame a keyframe of the shot and color again what is nearest to it; the current take is kept"""

    bl_idname = "longanimation.recolor_from_fix"
    bl_label = "Use as Keyframe and Recolor"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    image: bpy.props.StringProperty(
        name="Image",
        description="The painted frame; empty for the one in the Image Editor",
        options={"SKIP_SAVE", "HIDDEN"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Available everywhere except over an image that is not being fixed."""
        image = getattr(context.space_data, "image", None) if context.space_data else None
        return image is None or JOB in image

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender; in background Blender it returns when the new take has ended."""
        try:
            image = _fixed_image(context, self.image)
            entry = take_manager.submit(_corrected(image))
            scene = bpy.data.scenes.get(entry.take.manifest.name, context.scene)
            scene.longanimation.put_keyframe(image[FRAME], image)
        except (ColorError, OSError) as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        self.report({"INFO"}, translated(TranslatableText("{take} is in progress", take=entry.take.title)))
        return wait_for(self, [entry.take.job]) if bpy.app.background else {"FINISHED"}


def painting_of_frame(take: Take, frame: int) -> bpy.types.Image:
    """The image in which a colored frame is fixed; an earlier one is used again."""
    for image in bpy.data.images:
        if (image.get(JOB), image.get(FRAME)) == (take.job, frame):
            return image
    image = bpy.data.images.load(str(take.colored / frame_name(frame)))
    image.name = f"{take.title}, frame {frame}"
    image.pack()  # what is painted is saved with the .blend file, and never over the take's own frame
    image[JOB], image[FRAME] = take.job, frame
    return image


def _fixed_image(context: bpy.types.Context, name: str) -> bpy.types.Image:
    image = bpy.data.images.get(name) or getattr(context.space_data, "image", None)
    if image is None:  # not in an Image Editor: the frame at the playhead
        image = painting_of_frame(*take_manager.shown_frame(context))
    if image.get(JOB) not in take_manager.entries:
        raise ShotError(
            TranslatableText(
                "{image} is not a colored frame of a take: go to one and press Fix This Frame.", image=image.name
            )
        )
    if image.is_dirty:
        image.pack()
    return image


def _corrected(image: bpy.types.Image) -> Take:
    take, frame = take_manager.entries[image[JOB]].take, image[FRAME]
    with tempfile.TemporaryDirectory() as folder:
        painting = Path(folder) / frame_name(frame)
        PaintedFrame(frame, image).write_image(painting)
        return correct(take, frame, painting, new_take_folder(take.manifest.name), next_number(take))


CLASSES = (LONGANIMATION_OT_fix_frame, LONGANIMATION_OT_recolor_from_fix)
