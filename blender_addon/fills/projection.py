# SPDX-License-Identifier: GPL-3.0-or-later
"""Places of a picture's pixels in the scene: on a plane that faces the camera, just behind the drawings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Matrix, Vector

from .. import compat
from ..shared.errors import ShotError
from ..shared.translatable_text import TranslatableText
from ..shot.proportions import require_proportions
from ..shot.scene_objects import FILLS

_BEHIND = 1.001
"""How much farther than the drawings the plane is."""
_ALONE = 10.0
"""Distance of the plane if the scene has no Grease Pencil drawing in front of the camera, in Blender units."""
_DIGITS = 6


@dataclass(frozen=True)
class Projection:
    """How a picture lies in the scene. corner: the place of its upper left corner. right, down: from there, the way of
    one pixel. All are x, y and z in Blender units. Equal cameras give equal projections."""

    corner: tuple[float, float, float]
    right: tuple[float, float, float]
    down: tuple[float, float, float]

    def placed(self, points: np.ndarray) -> np.ndarray:
        """The places, float [P, 3], of points of the picture, float [P, 2], in pixels."""
        places: np.ndarray = np.asarray(self.corner) + points @ np.array((self.right, self.down))
        return places


def projections(
    scene: bpy.types.Scene,
    camera: bpy.types.Object | None,
    size: tuple[int, int],
    frames: Iterable[int],
    planes: Sequence[bpy.types.Object | None] = (None,),
) -> Iterator[list[Projection]]:
    """The projections of a picture of `size`, width and height, at each of these frames of a scene, one for each plane.

    camera: the shot's own camera, None for the scene's. planes: the object that a plane is behind, None for all. The
    scene is left at the last frame. Raises ShotError, with what to do, if there is no camera, or the picture has other
    proportions than the scene.
    """
    require_proportions(scene, size)
    for frame in frames:
        scene.frame_set(frame)
        shown = camera or scene.camera
        if shown is None:
            raise ShotError(TranslatableText("The scene has no camera: add one and frame the shot with it."))
        yield [_projection(scene, shown, size, [plane] if plane else [*scene.objects]) for plane in planes]


def _projection(
    scene: bpy.types.Scene, camera: bpy.types.Object, size: tuple[int, int], before: Iterable[bpy.types.Object]
) -> Projection:
    """The projection on the plane that is behind these objects."""
    graph = bpy.context.evaluated_depsgraph_get()
    pose = camera.evaluated_get(graph).matrix_world.normalized()
    depth = _depth(before, graph, pose.inverted())
    right_top, _, left_bottom, left_top = camera.data.view_frame(scene=scene)
    scale = depth / -left_top.z if camera.data.type == "PERSP" else 1.0

    def place(x: float, y: float) -> Vector:
        return pose @ Vector((x * scale, y * scale, -depth))

    corner = place(left_top.x, left_top.y)
    right = (place(right_top.x, right_top.y) - corner) / size[0]
    down = (place(left_bottom.x, left_bottom.y) - corner) / size[1]
    return Projection(_rounded(corner), _rounded(right, 3), _rounded(down, 3))


def _depth(items: Iterable[bpy.types.Object], graph: bpy.types.Depsgraph, into: Matrix) -> float:
    """The distance of the plane from the camera: behind the farthest Grease Pencil drawing of these objects.

    into: from the scene to the camera.
    """
    depths = [0.0]
    for item in items:
        if compat.is_grease_pencil(item) and not item.hide_render and FILLS not in item:
            seen = item.evaluated_get(graph)
            center = sum((Vector(corner) for corner in seen.bound_box), Vector()) / 8
            places = seen.matrix_world.translation, seen.matrix_world @ center
            depths += [-(into @ place).z for place in places]
    return max(depths) * _BEHIND or _ALONE


def _rounded(vector: Vector, more: int = 0) -> tuple[float, float, float]:
    x, y, z = (round(value, _DIGITS + more) for value in vector)
    return x, y, z
