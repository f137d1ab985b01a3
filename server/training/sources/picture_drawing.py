# SPDX-License-Identifier: GPL-3.0-or-later
"""A drawing made of a picture's paths: which are ink, which are fills, and which borders lack a line.

This is decided once per picture, on a raster. The drawing keeps the picture's own curves.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import skia

from server.training.sources.drawing import Drawing, flatten
from server.training.sources.picture_marks import PictureMarks
from server.training.sources.raster_picture import RasterPicture
from server.training.sources.svg import Part

MAX_PARTS = 150
MAX_POINTS = 4000
"""Pictures with more parts than this are too slow to animate."""

_ASTRAY = 0.2
"""Share of the fills' borders that may be away from the lines. Some artists shift colors on purpose."""


def prepare_drawing(parts: Sequence[Part], name: str, family: str, words: str) -> Drawing | None:
    """Prepare one picture. Returns None if it cannot be used: too many parts, no fills, or fills away from their
    lines."""
    if not 1 <= len(parts) <= MAX_PARTS or not any(part.fill for part in parts):
        return None
    standing = _standing(parts)
    if standing is None:
        return None
    picture = RasterPicture(standing)
    finder = PictureMarks(picture)
    marks = finder.marks()
    if not picture.silhouette.any() or len(picture.colors) < 2 or finder.astray(marks) > _ASTRAY:
        return None
    paths = [flatten(path) for _, _, _, path in marks]
    points = np.array([point for at, _ in paths for point in at], np.float32)
    if len(points) > MAX_POINTS:
        return None
    return Drawing(
        name=name,
        family=family,
        words=words,
        marks=np.array([(m[0], m[1], len(at), len(st)) for m, (at, st) in zip(marks, paths, strict=True)], np.int32),
        widths=np.array([mark[2] for mark in marks], np.float32),
        points=points,
        steps=np.array([step for _, steps in paths for step in steps], np.uint8),
        colors=np.array(picture.colors, np.uint8),
    )


def _standing(parts: Sequence[Part]) -> list[Part] | None:
    """Return the parts in heights of the figure, standing on y = 0, or None if they have no size."""
    whole = skia.Rect.MakeEmpty()
    for part in parts:
        box = part.path.computeTightBounds()
        if part.stroke:
            box.outset(part.width / 2, part.width / 2)
        whole.join(box)
    longest = max(whole.height(), 0.7 * whole.width())
    if not 0 < longest < float("inf"):
        return None
    scale = 1 / longest
    matrix = skia.Matrix()
    matrix.setAffine([scale, 0, 0, scale, -whole.centerX() * scale, -whole.bottom() * scale])
    moved = []
    for part in parts:
        path = skia.Path()
        part.path.transform(matrix, path)
        moved.append(Part(path, part.fill, part.stroke, part.width * scale))
    return moved
