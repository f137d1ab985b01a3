# SPDX-License-Identifier: GPL-3.0-or-later
"""The object of a take's fills: one layer, with a drawing for each drawing of the take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import bpy
import numpy as np

from .. import compat
from ..contours.bridges import bridged
from ..contours.shapes import SAME, Paint, Shape, led
from ..shared.timing import Exposure
from ..shot.scene_objects import FILLS
from ..takes.take import Take
from .materials import nearest, new_material, own_materials, paint_of
from .projection import Projection

_PART = "longanimation_part"
"""The custom property of an object that has only a part of the fills."""


@dataclass(frozen=True)
class Hold:
    """Frames that show the same drawing through the same camera. drawing: its index in the take."""

    frames: range
    drawing: int
    projection: Projection


def holds(exposure: Exposure, projections: dict[int, Projection]) -> Iterator[Hold]:
    """The holds among the frames that have a projection, in their order."""
    start = None
    for frame in sorted(projections):
        if start is None:
            start = frame
        shown = exposure.drawing_at(frame), projections[frame]
        following = frame + 1
        if following not in projections or shown != (exposure.drawing_at(following), projections[following]):
            yield Hold(range(start, following), *shown)
            start = None


def fills_object(scene: bpy.types.Scene, take: Take) -> bpy.types.Object | None:
    """The newest object of all fills of a take in a scene."""
    found = [item for item in scene.objects if item.get(FILLS) == take.job and _PART not in item]
    return found[-1] if found else None


def hide_fills(scene: bpy.types.Scene) -> None:
    """Hide the fills that a scene has."""
    for item in scene.objects:
        if FILLS in item:
            item.hide_render = True
            item.hide_set(True)


def new_fills(
    scene: bpy.types.Scene, take: Take, place: tuple[float, float, float], part: str = ""
) -> bpy.types.Object:
    """Add an empty object for a take's fills at a place of the scene. part: what it is called if it has not all."""
    name = f"{take.title}, fills"
    item = bpy.data.objects.new(name, compat.new_pencil(name))
    item.location = place
    item[FILLS] = take.job
    if part:
        item.name, item[_PART] = f"{name} of {part}", True
    layer = item.data.layers.new("Fills")
    layer.use_lights = False
    scene.collection.objects.link(item)
    return item


def draw(scene: bpy.types.Scene, item: bpy.types.Object, held: Iterable[Hold], shapes: dict[int, list[Shape]]) -> None:
    """Draw shapes, by the index of their drawing, as keys of an object of fills. Its keys at these frames are replaced.

    An empty key ends a hold after which the layer has none.
    """
    slots = _slots(scene, item, shapes)
    layer = item.data.layers[0]
    origin = np.array(item.location)
    for hold in held:
        keys = {key.frame_number for key in layer.frames}
        for frame in keys.intersection(hold.frames):
            compat.remove_key(layer, frame)
        if hold.frames.stop not in keys:
            layer.frames.new(hold.frames.stop)
        strokes = [_stroke(shape, slots[shape.paint], hold.projection, origin) for shape in shapes[hold.drawing]]
        compat.write_fills(layer.frames.new(hold.frames.start), strokes)


def _stroke(shape: Shape, slot: int, projection: Projection, origin: np.ndarray) -> tuple[int, tuple[np.ndarray, ...]]:
    """The index of a shape's material, and its polygons in the space of the object: the outline and the holes."""
    polygons = (shape.outline, *shape.holes) if compat.HAS_HOLES else (bridged(shape.outline, shape.holes),)
    return slot, tuple((projection.placed(polygon) - origin).astype(np.float32) for polygon in polygons)


def _slots(scene: bpy.types.Scene, item: bpy.types.Object, shapes: dict[int, list[Shape]]) -> dict[Paint, int]:
    """The index of the object's material for each paint of the shapes; materials that it lacks are added.

    Paints that differ by rounding errors get one material.
    """
    areas: Counter[Paint] = Counter()
    for shape in (shape for drawing in shapes.values() for shape in drawing):
        areas[shape.paint] += round(shape.area)
    paints = list(areas)
    leaders, group = led(np.array(paints).reshape(-1, 4), np.array([areas[paint] for paint in paints]))
    known = {paint_of(slot.material): index for index, slot in enumerate(item.material_slots) if slot.material}
    own = own_materials(scene)
    indices = []
    for leader in leaders:
        paint = paints[leader]
        same = nearest(paint, known, SAME)
        if same is None:
            similar = nearest(paint, own, SAME)
            item.data.materials.append(new_material(paint) if similar is None else own[similar])
            same = paint
            known[paint] = len(item.data.materials) - 1
        indices.append(known[same])
    return {paint: indices[number] for paint, number in zip(paints, group.tolist(), strict=True)}
