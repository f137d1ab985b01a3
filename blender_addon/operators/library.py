# SPDX-License-Identifier: GPL-3.0-or-later
"""Shares palettes over the files of a show, through the library of the shot's server."""

from __future__ import annotations

from functools import partial

import bpy

from .. import notices
from ..preferences import make_client, server_of
from ..shared.errors import ColorError, PaletteError
from ..shared.palette import Palette, PaletteSummary, PaletteVersion, is_name
from ..shared.remote.client import Client
from ..shared.translatable_text import TranslatableText
from ..translations import translated
from .background import in_thread
from .palettes import OfPalette, listed, proposed_name, use

_known: list[PaletteSummary] = []
"""The palettes of the library that was last asked."""


class LONGANIMATION_OT_use_library_palette(OfPalette, bpy.types.Operator):
    """Use a palette of the server's library: its names and colors, as with Import Palette"""

    bl_idname = "longanimation.use_library_palette"
    bl_label = "From Library"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    palette: bpy.props.StringProperty(
        name="Palette",
        description="Palette of the server's library",
        search=lambda _self, _context, text: [(one.name, f"v{one.version}") for one in _known if text in one.name],
        search_options={"SUGGESTION"},
    )
    version: bpy.props.IntProperty(name="Version", description="Its version; 0 is the newest", default=0, min=0)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Let the animator choose the palette; the list comes from the server meanwhile."""
        try:
            in_thread(_client(context.scene).palettes, _remember)
        except ColorError as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        self.palette = self.palette or context.scene.longanimation.palette_name
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender; in background Blender it returns when the colors are there."""
        scene = context.scene
        try:
            fetch = partial(_client(scene).palette, _name(self.palette), self.version)
            if not bpy.app.background:
                in_thread(fetch, partial(_announce, scene.name))
                return {"FINISHED"}
            found = fetch()
        except ColorError as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        self.report({"INFO"}, translated(_use(scene.name, found)))
        return {"FINISHED"}


class LONGANIMATION_OT_store_palette(OfPalette, bpy.types.Operator):
    """Store the listed colors with their names in the server's library, as a new palette or a new version of one"""

    bl_idname = "longanimation.store_palette"
    bl_label = "To Library"

    palette: bpy.props.StringProperty(name="Palette", description="Name of the palette in the server's library")

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Let the animator choose the name."""
        self.palette = proposed_name(context.scene)
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender; in background Blender it returns when the palette is stored."""
        scene, shot = context.scene, context.scene.longanimation
        try:
            name, client = _name(self.palette), _client(scene)
            replaces = shot.palette_version if name == shot.palette_name else 0
            store = partial(client.put_palette, name, listed(scene), replaces)
            if not bpy.app.background:
                in_thread(store, partial(_stored, scene.name))
                return {"FINISHED"}
            stored = store()
        except ColorError as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        _stored(scene.name, stored)
        said = TranslatableText("{palette} is in the library, version {number}", palette=name, number=stored.version)
        self.report({"INFO"}, translated(said))
        return {"FINISHED"}


def _client(scene: bpy.types.Scene) -> Client:
    return make_client(server_of(scene).address)


def _name(text: str) -> str:
    """A name that a palette of the library may have. Raises PaletteError."""
    name = text.strip()
    if not is_name(name) or "/" in name:
        raise PaletteError(
            TranslatableText(
                "A palette of the library has a name of up to 100 characters without a slash, not {name}: choose "
                "another one.",
                name=repr(name),
            )
        )
    return name


def _remember(palettes: tuple[PaletteSummary, ...]) -> None:
    _known[:] = palettes


def _stored(scene: str, palette: PaletteVersion) -> None:
    if scene in bpy.data.scenes:
        shot = bpy.data.scenes[scene].longanimation
        shot.palette_name, shot.palette_version = palette.name, palette.version


def _announce(scene: str, palette: PaletteVersion) -> None:
    notices.show(_use(scene, palette), good=True)


def _use(scene: str, palette: PaletteVersion) -> str:
    if scene not in bpy.data.scenes:  # another file was opened meanwhile
        return ""
    return use(bpy.data.scenes[scene], Palette(palette.swatches), palette.name, palette.version)


CLASSES = (LONGANIMATION_OT_use_library_palette, LONGANIMATION_OT_store_palette)
