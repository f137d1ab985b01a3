# SPDX-License-Identifier: GPL-3.0-or-later
"""Finished takes: placed, shown, compared, noted, opened from their folders."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import bpy

from .. import blend_file, compat, take_manager
from ..sequencer import strips
from ..shared.errors import ColorError
from ..shared.translatable_text import TranslatableText
from ..takes.exposure_sheet import write_sheet
from ..takes.take import Take, frame_name
from ..translations import translated
from .export import wait_for
from .queue import OfTake


class LONGANIMATION_OT_place_take(OfTake, bpy.types.Operator):
    """Place the take's strips in the Sequencer, above what is there; takes of the shot that it covers are muted"""

    bl_idname = "longanimation.place_take"
    bl_label = "Place Strips"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender; a take whose scene is gone is placed in the current scene."""
        scene = self.timeline(context)
        take = replace(self.take, placement=replace(self.take.placement, scene=scene.name))
        try:
            if not any(strips.strips_of_take(scene, take.job)):
                strips.place(scene, take)
            compat.show_in_sequencer(scene)
        except ColorError as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        take_manager.update(self.job, placed=True, placement=take.placement)
        return {"FINISHED"}


class LONGANIMATION_OT_open_take(bpy.types.Operator):
    """Open a take from its folder, fetch what is missing, and place its strips in this scene"""

    bl_idname = "longanimation.open_take"
    bl_label = "Open Take"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    directory: bpy.props.StringProperty(name="Folder", description="Folder of the take", subtype="DIR_PATH")

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Let the animator choose the folder."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender; in background Blender it returns when the take has ended."""
        try:
            take = Take.load(Path(bpy.path.abspath(self.directory)).absolute())
            scene = compat.timeline(context)
            placement = replace(take.placement, blend=blend_file.name(), scene=scene.name)
            placed = any(strips.strips_of_take(scene, take.job))
            take = take.changed(placement=placement, placed=placed)
            entry = take_manager.entries.get(take.job)
            if entry is None or entry.session is None:
                take_manager.submit(take)
        except ColorError as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        return wait_for(self, [take.job]) if bpy.app.background else {"FINISHED"}


class LONGANIMATION_OT_show_take(OfTake, bpy.types.Operator):
    """Show this take and mute the others of the shot; their strips are kept"""

    bl_idname = "longanimation.show_take"
    bl_label = "Show Take"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        strips.show(self.timeline(context), self.take)
        return {"FINISHED"}


class LONGANIMATION_OT_compare_takes(OfTake, bpy.types.Operator):
    """Show this take in the left half and the currently shown take in the right half; press again to end"""

    bl_idname = "longanimation.compare_takes"
    bl_label = "Compare"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        strips.compare(self.timeline(context), self.take)
        return {"FINISHED"}


class LONGANIMATION_OT_show_timeline(OfTake, bpy.types.Operator):
    """Show the scene with this take's strips in the Sequencer"""

    bl_idname = "longanimation.show_timeline"
    bl_label = "Show in Sequencer"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender; since 5.0 this can be another scene than the window's."""
        compat.show_in_sequencer(self.timeline(context), context.workspace)
        return {"FINISHED"}


class LONGANIMATION_OT_note_take(OfTake, bpy.types.Operator):
    """Write a note about this take"""

    bl_idname = "longanimation.note_take"
    bl_label = "Note"

    note: bpy.props.StringProperty(name="Note", description="Your note about the take")

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Ask for the note."""
        self.note = self.take.note
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        take_manager.update(self.job, note=self.note)
        return {"FINISHED"}


class LONGANIMATION_OT_hide_take(OfTake, bpy.types.Operator):
    """Hide this take from the list, or show it again; nothing is deleted"""

    bl_idname = "longanimation.hide_take"
    bl_label = "Hide Take"

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        take_manager.update(self.job, hidden=not self.take.hidden)
        if self.take.hidden:
            take_manager.hide_findings([self.job])
        return {"FINISHED"}


class LONGANIMATION_OT_use_settings(OfTake, bpy.types.Operator):
    """Give the shot the settings of this take, and its keyframes where the shot has none"""

    bl_idname = "longanimation.use_settings"
    bl_label = "Use These Settings"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        shot, take = context.scene.longanimation, self.take
        for name in ("preset", "finish", "quality", "seed", "prompt"):
            setattr(shot, name, getattr(take.manifest, name))
        for keyframe in take.manifest.keyframes:
            painting = take.keyframes / frame_name(keyframe.frame)
            if shot.keyframe_at(keyframe.frame) is None and painting.is_file():
                shot.put_keyframe(keyframe.frame, bpy.data.images.load(str(painting), check_existing=True))
        return {"FINISHED"}


class LONGANIMATION_OT_open_folder(OfTake, bpy.types.Operator):
    """Open the folder with the take's images"""

    bl_idname = "longanimation.open_folder"
    bl_label = "Open Folder"

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        bpy.ops.wm.path_open(filepath=str(self.take.folder) + os.sep)
        return {"FINISHED"}


class LONGANIMATION_OT_write_sheet(OfTake, bpy.types.Operator):
    """Write an exposure sheet (XDTS) into the take's folder: which picture each frame shows"""

    bl_idname = "longanimation.write_sheet"
    bl_label = "Write Exposure Sheet"

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        try:
            path = write_sheet(self.take)
        except OSError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, translated(TranslatableText("The exposure sheet is in {path}", path=path)))
        return {"FINISHED"}


CLASSES = (
    LONGANIMATION_OT_place_take,
    LONGANIMATION_OT_open_take,
    LONGANIMATION_OT_show_take,
    LONGANIMATION_OT_compare_takes,
    LONGANIMATION_OT_show_timeline,
    LONGANIMATION_OT_note_take,
    LONGANIMATION_OT_hide_take,
    LONGANIMATION_OT_use_settings,
    LONGANIMATION_OT_open_folder,
    LONGANIMATION_OT_write_sheet,
)
