# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings palettes to the listed colors of a take, and takes them from there: files, and palettes of Blender."""

from __future__ import annotations

from pathlib import Path

import bpy

from .. import take_manager
from ..shared.errors import ColorError, PaletteError
from ..shared.palette import Palette, named
from ..shared.palette_files import SUFFIXES, read_palette, write_palette
from ..shared.translatable_text import TranslatableText
from ..shot import paints
from ..takes.naming import match
from ..translations import translated

_FILES = ";".join(f"*{suffix}" for suffix in SUFFIXES)


class OfPalette:
    """Base of operators on the listed colors of a take."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Available while the colors of a take are listed."""
        return context.scene.longanimation.palette_take in take_manager.entries


class LONGANIMATION_OT_import_palette(OfPalette, bpy.types.Operator):
    """Read a palette file (.gpl, .ase): colors without a name get its names, and names that it has get its colors"""

    bl_idname = "longanimation.import_palette"
    bl_label = "Import Palette"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    filepath: bpy.props.StringProperty(name="File", description="Palette file", subtype="FILE_PATH")
    filter_glob: bpy.props.StringProperty(default=_FILES, options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Let the animator choose the file."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        path = Path(bpy.path.abspath(self.filepath))
        try:
            palette = read_palette(path)
        except ColorError as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        self.report({"INFO"}, translated(use(context.scene, palette, path.stem)))
        return {"FINISHED"}


class LONGANIMATION_OT_export_palette(OfPalette, bpy.types.Operator):
    """Write the listed colors with their names to a palette file (.gpl, .ase)"""

    bl_idname = "longanimation.export_palette"
    bl_label = "Export Palette"

    filepath: bpy.props.StringProperty(name="File", description="Palette file", subtype="FILE_PATH")
    filter_glob: bpy.props.StringProperty(default=_FILES, options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Let the animator choose the file."""
        self.filepath = f"{proposed_name(context.scene)}{SUFFIXES[0]}"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        path = Path(bpy.path.abspath(self.filepath))
        path = path if path.suffix else path.with_suffix(SUFFIXES[0])
        try:
            write_palette(listed(context.scene), path)
        except (ColorError, OSError) as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        self.report({"INFO"}, translated(TranslatableText("The palette is in {path}", path=path)))
        return {"FINISHED"}


class LONGANIMATION_OT_use_blender_palette(OfPalette, bpy.types.Operator):
    """Use a palette of Blender's painting tools: its names and colors, as with Import Palette"""

    bl_idname = "longanimation.use_blender_palette"
    bl_label = "From Blender Palette"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    palette: bpy.props.StringProperty(
        name="Palette",
        description="Palette of the file",
        search=lambda _self, _context, text: [one.name for one in bpy.data.palettes if text in one.name],
    )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Let the animator choose the palette."""
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        try:
            found = bpy.data.palettes.get(self.palette)
            if found is None:
                raise PaletteError(
                    TranslatableText("The file has no palette {name}: choose one of its palettes.", name=self.palette)
                )
            palette = paints.from_blender(found)
        except ColorError as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        self.report({"INFO"}, translated(use(context.scene, palette, found.name)))
        return {"FINISHED"}


class LONGANIMATION_OT_make_blender_palette(OfPalette, bpy.types.Operator):
    """Make a palette of Blender's painting tools from the listed colors; the names stay with it"""

    bl_idname = "longanimation.make_blender_palette"
    bl_label = "To Blender Palette"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        made = paints.to_blender(listed(context.scene), proposed_name(context.scene))
        self.report({"INFO"}, translated(TranslatableText("The palette is in {path}", path=made.name)))
        return {"FINISHED"}


def use(scene: bpy.types.Scene, palette: Palette, name: str, version: int = 0) -> TranslatableText:
    """Give the listed colors the names of a palette, and the names its colors; returns what happened.

    version: its version in the server's library, 0 if it is not from there.
    """
    shot = scene.longanimation
    found = match([(paint.name, paint.rgb) for paint in shot.palette], palette)
    for place, color in found.changes.items():
        shot.palette[place].changed = [value / 255 for value in color]
    for place, given in found.names.items():
        shot.palette[place].name = given
    shot.palette_name, shot.palette_version = name, version
    return TranslatableText(
        "{palette}: {named} colors named, {changed} names with its color, {left} not in this take",
        palette=name,
        named=len(found.names),
        changed=len(found.changes),
        left=len(found.left),
    )


def listed(scene: bpy.types.Scene) -> Palette:
    """The listed colors of a take, as they were changed, with their names or else their codes."""
    return named((paint.name, paint.changed_rgb) for paint in scene.longanimation.palette)


def proposed_name(scene: bpy.types.Scene) -> str:
    """The name of the palette that was last used, or else that of the shot."""
    shot = scene.longanimation
    return shot.palette_name or str(take_manager.entries[shot.palette_take].take.manifest.name)


CLASSES = (
    LONGANIMATION_OT_import_palette,
    LONGANIMATION_OT_export_palette,
    LONGANIMATION_OT_use_blender_palette,
    LONGANIMATION_OT_make_blender_palette,
)
