# SPDX-License-Identifier: GPL-3.0-or-later
"""The colors of a take, their names, and their replacements."""

import bpy

from .. import take_manager
from ..shared.palette import Swatch, as_name, numbered


def _keep_name(paint: "LONGANIMATION_paint", _context: bpy.types.Context) -> None:
    """Keep a name in the take; it is made one that no other color has."""
    shot = paint.id_data.longanimation
    if shot.palette_take not in take_manager.entries:
        return
    others = {other.name for other in shot.palette if other != paint}
    name = as_name(paint.name)
    if name:
        name = numbered(name, others)
    if name != paint.name:
        paint.name = name  # which calls this function again
        return
    named = tuple(Swatch.of(one.name, one.rgb) for one in shot.palette if one.name)
    if named != take_manager.entries[shot.palette_take].take.palette:
        take_manager.update(shot.palette_take, palette=named)


class LONGANIMATION_paint(bpy.types.PropertyGroup):
    """A color of the palette, as it is in the images (sRGB, 0 to 1)."""

    name: bpy.props.StringProperty(name="Name", description="What this color paints", update=_keep_name)
    color: bpy.props.FloatVectorProperty(
        name="Color", description="Color in the take", subtype="COLOR_GAMMA", size=3, min=0, max=1
    )
    changed: bpy.props.FloatVectorProperty(
        name="New Color",
        description="Replacement for the color over the whole shot",
        subtype="COLOR_GAMMA",
        size=3,
        min=0,
        max=1,
    )
    share: bpy.props.FloatProperty(name="Share", description="Share of the shot's pixels", subtype="PERCENTAGE")

    @property
    def is_changed(self) -> bool:
        """Whether another color was picked."""
        return self.rgb != self.changed_rgb

    @property
    def rgb(self) -> tuple[int, int, int]:
        """The color in the take, 0 to 255."""
        return _levels(self.color)

    @property
    def changed_rgb(self) -> tuple[int, int, int]:
        """The color that replaces it, 0 to 255."""
        return _levels(self.changed)


def _levels(color: bpy.types.bpy_prop_array) -> tuple[int, int, int]:
    red, green, blue = (round(255 * value) for value in color)
    return red, green, blue


CLASSES = (LONGANIMATION_paint,)
