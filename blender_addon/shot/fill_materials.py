# SPDX-License-Identifier: GPL-3.0-or-later
"""The fill materials of a scene's Grease Pencil drawings: their names are those of the shot's colors.

Images have no names. Two materials of one color therefore differ by a level of one channel in rendered keyframes, which
nobody sees, and which lasts through the coloring.
"""

from __future__ import annotations

import bpy

from .. import compat
from ..shared.palette import MOST_SWATCHES, Swatch, apart, named
from .changes import Changes
from .scene_objects import pencils_of


def paints_of(scene: bpy.types.Scene) -> tuple[Swatch, ...]:
    """The names of the fill materials that a render of the scene may show, and the colors that they have in keyframes,
    in which no two are the same."""
    return _told_apart(_materials(scene))


def tell_apart(scene: bpy.types.Scene, changes: Changes) -> None:
    """Let no two fill materials have the same color."""
    materials = _materials(scene)
    for material, swatch in zip(materials, _told_apart(materials), strict=True):
        style = material.grease_pencil
        if swatch.rgb != _rgb(material):
            changes.set(style, fill_color=(*compat.linear_color(swatch.rgb), style.fill_color[3]))


def _told_apart(materials: list[bpy.types.Material]) -> tuple[Swatch, ...]:
    if not materials:
        return ()
    return apart(named((material.name, _rgb(material)) for material in materials).swatches)


def _materials(scene: bpy.types.Scene) -> list[bpy.types.Material]:
    slots = (slot.material for item in pencils_of(scene, None) for slot in item.material_slots)
    return [material for material in dict.fromkeys(slots) if material and _is_paint(material)][:MOST_SWATCHES]


def _is_paint(material: bpy.types.Material) -> bool:
    style = material.grease_pencil
    return bool(style and style.show_fill and style.fill_style == "SOLID" and style.fill_color[3] > 0)


def _rgb(material: bpy.types.Material) -> tuple[int, int, int]:
    red, green, blue = (compat.srgb_level(value) for value in material.grease_pencil.fill_color[:3])
    return red, green, blue
