# SPDX-License-Identifier: GPL-3.0-or-later
"""Grease Pencil materials of fills: the scene's own where the color is theirs, otherwise new ones."""

from __future__ import annotations

from collections.abc import Iterable

import bpy

from .. import compat
from ..contours.shapes import Paint


def own_materials(scene: bpy.types.Scene) -> dict[Paint, bpy.types.Material]:
    """The materials with which the scene's Grease Pencil objects fill, by their paint.

    Those without a line are preferred.
    """
    slots = [slot for item in scene.objects if compat.is_grease_pencil(item) for slot in item.material_slots]
    filling = [slot.material for slot in slots if slot.material and _is_plain(slot.material.grease_pencil)]
    filling.sort(key=lambda material: material.grease_pencil.show_stroke)
    found: dict[Paint, bpy.types.Material] = {}
    for material in filling:
        found.setdefault(paint_of(material), material)
    return found


def new_material(paint: Paint) -> bpy.types.Material:
    """A new material that fills with this paint and has no line."""
    material = bpy.data.materials.new("Fill #" + bytes(paint[:3]).hex())
    bpy.data.materials.create_gpencil_data(material)
    style = material.grease_pencil
    style.show_stroke, style.show_fill = False, True
    style.fill_color = (*(compat.linear(value / 255) for value in paint[:3]), paint[3] / 255)
    return material


def paint_of(material: bpy.types.Material) -> Paint:
    """The paint that a Grease Pencil material fills with."""
    *color, alpha = material.grease_pencil.fill_color
    red, green, blue = (compat.srgb_level(value) for value in color)
    return red, green, blue, round(255 * alpha)


def nearest(paint: Paint, paints: Iterable[Paint], most: int) -> Paint | None:
    """The paint that differs least, by no more than `most` in each channel; None if there is none."""
    differences = {one: max(abs(a - b) for a, b in zip(one, paint, strict=True)) for one in paints}
    found = min(differences, key=lambda one: differences[one], default=None)
    return found if found is not None and differences[found] <= most else None


def _is_plain(style: bpy.types.MaterialGPencilStyle | None) -> bool:
    """Tell whether a material fills with one color."""
    return bool(style and style.show_fill and style.fill_style == "SOLID" and not style.hide)
