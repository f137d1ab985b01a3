# SPDX-License-Identifier: GPL-3.0-or-later
"""The painted frames of a shot: added, removed, painted in Blender's Image Editor, or loaded from files."""

from __future__ import annotations

import bpy

from .. import take_manager
from ..shared.errors import ColorError, ShotError
from ..shared.translatable_text import TranslatableText
from ..shot import paints
from ..shot.keyframe_names import frames_of
from ..shot.keyframe_thumbnail import thumbnail
from ..shot.template import template
from ..takes.recolor import colors_of
from ..takes.take import frame_name
from ..translations import translated
from .editors import show_image
from .image_files import LoadsImages, load


class LONGANIMATION_OT_add_keyframe(bpy.types.Operator):
    """Use the current frame, as the scene renders it, as a painted keyframe of the shot"""

    bl_idname = "longanimation.add_keyframe"
    bl_label = "Use This Frame as Keyframe"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        scene = context.scene
        scene.longanimation.put_keyframe(scene.frame_current, None)
        keyframe = scene.longanimation.keyframe_at(scene.frame_current)
        try:
            keyframe.thumbnail, keyframe.is_lit = thumbnail(scene, scene.frame_current)
        except ColorError as error:
            self.report({"WARNING"}, translated(str(error)))
        return {"FINISHED"}


class LONGANIMATION_OT_remove_keyframe(bpy.types.Operator):
    """Leave this frame to the model"""

    bl_idname = "longanimation.remove_keyframe"
    bl_label = "Remove Keyframe"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    index: bpy.props.IntProperty(min=0)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        context.scene.longanimation.keyframes.remove(self.index)
        return {"FINISHED"}


class LONGANIMATION_OT_paint_keyframe(bpy.types.Operator):
    """Paint the current frame, from a take's colors if it has some, in an Image Editor; your lines stay on top"""

    bl_idname = "longanimation.paint_keyframe"
    bl_label = "Paint This Frame"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender; in background Blender the image is made and not shown."""
        scene = context.scene
        keyframe = scene.longanimation.keyframe_at(scene.frame_current)
        image = keyframe.image if keyframe else None
        try:
            if image is None:
                image = _begun(context)
                scene.longanimation.put_keyframe(scene.frame_current, image)
        except ColorError as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        show_image(context, image, paint=True)
        return {"FINISHED"}


def _begun(context: bpy.types.Context) -> bpy.types.Image:
    """A painting of the current frame to go on with: what a take shows there, or else its line art. Offers the colors
    of the take. Raises ShotError."""
    scene = context.scene
    try:
        take, frame = take_manager.shown_frame(context)
    except ShotError:
        return template(scene, scene.frame_current)
    paints.offer(scene, colors_of(take))
    return template(scene, scene.frame_current, take.colored / frame_name(frame))


class LONGANIMATION_OT_load_keyframes(LoadsImages, bpy.types.Operator):
    """Use painted images from files; the number in a file's name is the frame that it shows"""

    bl_idname = "longanimation.load_keyframes"
    bl_label = "Load Keyframes"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender. A file without a number in its name paints the current frame."""
        scene = context.scene
        paths = self.paths
        frames = frames_of([path.stem for path in paths], scene.longanimation.frames)
        for path, found in zip(paths, frames, strict=True):
            if isinstance(found, tuple):
                problem = TranslatableText(
                    "Which frame does {file} paint, {numbers}? Rename the file so that no other number may be "
                    "the frame, and load it again.",
                    file=path.name,
                    numbers=", ".join(map(str, found)),
                )
                self.report({"ERROR"}, translated(problem))
                continue
            try:
                scene.longanimation.put_keyframe(scene.frame_current if found is None else found, load(path))
            except ShotError as error:
                self.report({"ERROR"}, translated(str(error)))
        return {"FINISHED"}


CLASSES = (
    LONGANIMATION_OT_add_keyframe,
    LONGANIMATION_OT_remove_keyframe,
    LONGANIMATION_OT_paint_keyframe,
    LONGANIMATION_OT_load_keyframes,
)
