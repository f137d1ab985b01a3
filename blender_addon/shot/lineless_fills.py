# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells what fills without lines are: drawn content, such as pupils and solid blacks, or paint under the lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import bpy

from .. import compat
from .resolved_shot import ResolvedShot
from .scene_objects import layer_name


class Shape(NamedTuple):
    """What a stroke shows. material: how it is painted. is_filled: it has a fill that hides what is behind it."""

    material: bpy.types.Material
    has_line: bool
    is_filled: bool


def drawn_materials(item: bpy.types.Object, shot: ResolvedShot, paint: frozenset[str]) -> frozenset[bpy.types.Material]:
    """The materials of a Grease Pencil object whose fills are drawn content, as they have no line on a layer of lines.

    paint: the names of the layers that hold paint. Fills that only the shot's keyframes have are paint, too: the
    animator filled a copy of the drawing.
    """
    lineless: set[bpy.types.Material] = set()
    outlined: set[bpy.types.Material] = set()
    for layer in item.data.layers:
        if layer.hide or shot.roles.of(layer) != "lines" or layer_name(layer) in paint:
            continue
        for shape in _shapes(item, layer, _judged(layer, shot)):
            if shape.is_filled:
                (outlined if shape.has_line else lineless).add(shape.material)
    return frozenset(lineless - outlined)


def paint_layers(item: bpy.types.Object, shot: ResolvedShot) -> frozenset[str]:
    """The names of the layers of a Grease Pencil object that hold paint, among those whose role nobody chose.

    Such a layer has fills and no lines. Or it is below a layer of lines, and each of its drawings begins with a fill
    without a line: then its strokes are highlights and shadows on this fill, as in Blender's own monkey.
    """
    found: set[str] = set()
    is_below_lines = False
    for layer in reversed(item.data.layers):
        if layer.hide or shot.roles.of(layer) != "lines":
            continue
        drawings = [[*_shapes(item, layer, {key.frame_number})] for key in layer.frames]
        shapes = [shape for drawing in drawings for shape in drawing]
        has_lines = any(shape.has_line for shape in shapes)
        has_ground = all(_is_lineless(drawing[0]) for drawing in drawings if drawing)
        is_paint = any(map(_is_lineless, shapes)) and (not has_lines or (is_below_lines and has_ground))
        if is_paint and not shot.roles.is_chosen(layer):
            found.add(layer_name(layer))
        else:
            is_below_lines |= has_lines
    return frozenset(found)


def _is_lineless(shape: Shape) -> bool:
    return shape.is_filled and not shape.has_line


def _judged(layer: bpy.types.GreasePencilLayer, shot: ResolvedShot) -> set[int | None]:
    """The keys of a layer that tell what its fills are: those of the shot that no keyframe shows, if there are any."""
    shown = {compat.key_at(layer, shot.drawn_at(frame)) for frame in shot.frames}
    painted = {compat.key_at(layer, shot.drawn_at(keyframe.frame)) for keyframe in shot.painted}
    return shown - painted - {None} or shown


def _shapes(item: bpy.types.Object, layer: bpy.types.GreasePencilLayer, keys: set[int | None]) -> Iterator[Shape]:
    """Each kind of shape in these drawings of a layer, in the order in which they are drawn."""
    materials = [slot.material for slot in item.material_slots]
    for key in layer.frames:
        if key.frame_number not in keys:
            continue
        for index, has_line, has_fill in dict.fromkeys(compat.strokes_of(key, materials)):
            material = materials[index] if index < len(materials) else None
            style = material and material.grease_pencil
            if style and not style.hide:
                yield Shape(material, has_line and style.color[3] > 0, has_fill and style.fill_color[3] == 1)
