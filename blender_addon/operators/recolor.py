# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes colors of a finished take over the whole shot."""

from __future__ import annotations

from functools import partial

import bpy

from .. import take_manager
from ..preferences import new_take_folder
from ..shared.errors import ColorError, ShotError
from ..shared.translatable_text import TranslatableText
from ..takes.naming import Color
from ..takes.recolor import palette_of, recolor
from ..takes.take import Take
from ..translations import translated
from .background import in_thread
from .export import next_number
from .queue import OfTake


class LONGANIMATION_OT_read_palette(OfTake, bpy.types.Operator):
    """List the colors of this take, to change them over the whole shot"""

    bl_idname = "longanimation.read_palette"
    bl_label = "Palette"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """The blocking path: returns when the colors are listed."""
        try:
            _list(context.scene.name, self.job, palette_of(take_manager.entries[self.job].take))
        except ColorError as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """The interactive path: reads in a thread."""
        in_thread(
            partial(palette_of, take_manager.entries[self.job].take), partial(_list, context.scene.name, self.job)
        )
        return {"FINISHED"}


class LONGANIMATION_OT_recolor(bpy.types.Operator):
    """Make a take with the changed colors; this one is kept, and no server is needed"""

    bl_idname = "longanimation.recolor"
    bl_label = "Recolor"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """The blocking path: returns when the take is made and placed."""
        try:
            take, colors = _colors(context.scene)
            title = context.scene.longanimation.palette_name
            made = recolor(take, colors, new_take_folder(take.manifest.name), next_number(take), title)
        except (ColorError, OSError) as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        take_manager.register(made)
        for _ in take_manager.wait([made.job]):
            pass
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """The interactive path: works in a thread."""
        try:
            take, colors = _colors(context.scene)
        except ColorError as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        folder, number = new_take_folder(take.manifest.name), next_number(take)
        title = context.scene.longanimation.palette_name
        doing = TranslatableText("Recoloring; the take appears when it is ready.")
        in_thread(lambda: recolor(take, colors, folder, number, title), take_manager.register, doing)
        return {"FINISHED"}


def _list(scene: str, job: str, palette: dict[Color, float]) -> None:
    if scene not in bpy.data.scenes:  # another file was opened meanwhile
        return
    shot = bpy.data.scenes[scene].longanimation
    names = {swatch.rgb: swatch.name for swatch in take_manager.entries[job].take.palette}
    shot.palette.clear()
    shot.palette_take = ""  # what is written now is no change by the animator
    shot.palette_name, shot.palette_version = "", 0
    for color, share in palette.items():
        paint = shot.palette.add()
        paint.color = paint.changed = [value / 255 for value in color]
        paint.share = 100 * share
        paint.name = names.get(color, "")
    shot.palette_take = job


def _colors(scene: bpy.types.Scene) -> tuple[Take, dict[Color, Color]]:
    """The take whose palette is listed, and what each of its colors becomes. Raises ShotError if all stay."""
    shot = scene.longanimation
    colors = {paint.rgb: paint.changed_rgb for paint in shot.palette}
    has_changes = any(paint.is_changed for paint in shot.palette)
    if not has_changes or shot.palette_take not in take_manager.entries:
        raise ShotError(
            TranslatableText("No color was changed: list a take's palette and pick another color beside one of them.")
        )
    return take_manager.entries[shot.palette_take].take, colors


CLASSES = (LONGANIMATION_OT_read_palette, LONGANIMATION_OT_recolor)
