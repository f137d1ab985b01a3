# SPDX-License-Identifier: GPL-3.0-or-later
"""The model sheets of a shot: loaded from files, taken from the scene, removed, given to the shots of the batch."""

from __future__ import annotations

import tempfile
from pathlib import Path

import bpy

from ..properties.batch import of_file
from ..properties.sheet import images_of
from ..shared.errors import ColorError, ShotError
from ..shared.manifest import MOST_SHEETS
from ..shared.translatable_text import TranslatableText
from ..shot.keyframes import write_keyframe
from ..shot.painted_frame import PaintedFrame
from ..shot.resolved_shot import resolve_at
from ..translations import translated
from .image_files import LoadsImages, load


class _AddsSheets:
    """Base of operators that add model sheets: there must be room for one."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Called by Blender."""
        return len(context.scene.longanimation.sheets) < MOST_SHEETS


class LONGANIMATION_OT_load_sheets(_AddsSheets, LoadsImages, bpy.types.Operator):
    """Use painted pictures of the shot's figures that are no frames of it, such as character sheets"""

    bl_idname = "longanimation.load_sheets"
    bl_label = "Load Model Sheets"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender. Too many files are refused together."""
        sheets = context.scene.longanimation.sheets
        room = MOST_SHEETS - len(sheets)
        if len(self.files) > room:
            problem = TranslatableText(
                "A shot can have {most} model sheets: choose {room} at most, or put several figures into one picture",
                most=MOST_SHEETS,
                room=room,
            )
            self.report({"ERROR"}, translated(problem))
            return {"CANCELLED"}
        for path in self.paths:
            try:
                image = load(path)
            except ShotError as error:
                self.report({"ERROR"}, translated(str(error)))
            else:
                sheets.add().image = image
        return {"FINISHED"}


class LONGANIMATION_OT_add_sheet(_AddsSheets, bpy.types.Operator):
    """Use the current frame, as a keyframe shows it, as a model sheet, also of other scenes of the file"""

    bl_idname = "longanimation.add_sheet"
    bl_label = "Use This Frame as Model Sheet"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        scene = context.scene
        painted = scene.longanimation.keyframe_at(scene.frame_current)
        try:
            image = painted.image if painted and painted.image else _rendered(scene)
        except ColorError as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        scene.longanimation.sheets.add().image = image
        return {"FINISHED"}


def _rendered(scene: bpy.types.Scene) -> bpy.types.Image:
    """The keyframe of the current frame as an image, which is saved with the .blend file. Raises ShotError."""
    frame = scene.frame_current
    shot = resolve_at(scene, frame)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sheet.png"
        write_keyframe(shot, PaintedFrame(frame), path)
        image = bpy.data.images.load(str(path))
        image.pack()
    image.name = f"{scene.name} sheet {frame}"
    return image


class LONGANIMATION_OT_remove_sheet(bpy.types.Operator):
    """Color the shot without this model sheet"""

    bl_idname = "longanimation.remove_sheet"
    bl_label = "Remove Model Sheet"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    index: bpy.props.IntProperty(min=0)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        context.scene.longanimation.sheets.remove(self.index)
        return {"FINISHED"}


class LONGANIMATION_OT_share_sheets(bpy.types.Operator):
    """Give the model sheets of this scene to all scenes of the batch, instead of their own"""

    bl_idname = "longanimation.share_sheets"
    bl_label = "Use for the Whole Batch"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Called by Blender."""
        return bool(_others(context.scene))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        images = images_of(context.scene)
        others = _others(context.scene)
        for scene in others:
            sheets = scene.longanimation.sheets
            sheets.clear()
            for image in images:
                sheets.add().image = image
        message = TranslatableText(
            "Model sheets: {count}; other scenes: {scenes}", count=len(images), scenes=len(others)
        )
        self.report({"INFO"}, translated(message))
        return {"FINISHED"}


def _others(scene: bpy.types.Scene) -> set[bpy.types.Scene]:
    """The other scenes of the batch."""
    return {shot.scene for shot in of_file(scene).shots if shot.scene} - {scene}


CLASSES = (
    LONGANIMATION_OT_load_sheets,
    LONGANIMATION_OT_add_sheet,
    LONGANIMATION_OT_remove_sheet,
    LONGANIMATION_OT_share_sheets,
)
