# SPDX-License-Identifier: GPL-3.0-or-later
"""The regions of a flat picture as shapes: smooth polygons, each in one color.

The shapes lie on top of each other, the largest at the bottom, as one paints. A region inside another one lies on it,
so a shape has holes only where something behind the picture shows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..shared.checks.regions import INK, find_regions
from .boundaries import OUTSIDE, Boundaries, trace
from .chains import polygons

Paint = tuple[int, int, int, int]
"""Red, green, blue and alpha, sRGB 0 to 255."""

SAME = 4
"""Colors that differ by no more than this in each channel are one color, which a painting has with rounding errors."""
_SPECK = 6
"""Regions with fewer pixels are specks, as on the server."""


@dataclass(frozen=True)
class Shape:
    """A region. outline, holes: closed polygons, float [P, 2], x and y in pixels from the upper left corner of the
    picture. area: of the outline, in pixels."""

    paint: Paint
    outline: np.ndarray
    holes: tuple[np.ndarray, ...]
    area: float


def shapes_of(picture: np.ndarray, line_art: np.ndarray) -> list[Shape]:
    """The shapes of a flat picture uint8 [H, W, 3 or 4], from the lowest to the uppermost.

    line_art: uint8 [H, W]. Specks, and regions that are nowhere seen off the lines, join the region beside them.
    """
    paints, labels = labeled(picture)
    boundaries = _without_slivers(labels, line_art >= INK)
    areas = boundaries.sums(np.ones_like(labels))
    opacity = np.array([paint[3] for paint in paints])
    gaps = boundaries.sums(opacity[labels] < 255)
    owners = boundaries.own[boundaries.loops[:-1]]
    is_shown = (opacity[owners] > 0) & ((areas > 0) | (gaps < 0))
    found = polygons(boundaries, is_shown)
    holes = [loop for loop in found if areas[loop] < 0]
    shapes = []
    for loop in sorted(found.keys() - set(holes), key=lambda loop: -areas[loop]):
        own = [found[hole] for hole in holes if owners[hole] == owners[loop]]
        cut = tuple(hole for hole in own if _contains(found[loop], hole))
        shapes.append(Shape(paints[owners[loop]], found[loop], cut, float(areas[loop])))
    return shapes


def labeled(picture: np.ndarray) -> tuple[list[Paint], np.ndarray]:
    """The paints of a picture uint8 [H, W, 3 or 4], and which of them each pixel has, int32 [H, W].

    Rare colors that differ little from a frequent one are that one. All transparent pixels are one paint.
    """
    height, width = picture.shape[:2]
    wide = picture.astype(np.uint32)
    codes = wide[..., 0] << 24 | wide[..., 1] << 16 | wide[..., 2] << 8 | (wide[..., 3] if wide.shape[2] == 4 else 255)
    codes = np.where(codes & 255, codes, 0).ravel()
    starts = np.concatenate(([0], np.flatnonzero(codes[1:] != codes[:-1]) + 1))
    lengths = np.diff(np.append(starts, codes.size))
    values, which = np.unique(codes[starts], return_inverse=True)
    colors = np.stack([values >> shift & 255 for shift in (24, 16, 8, 0)], axis=1).astype(np.int16)
    leaders, leader_of = led(colors, np.bincount(which, lengths))
    labels = np.repeat(leader_of[which].astype(np.int32), lengths).reshape(height, width)
    paints = [(int(red), int(green), int(blue), int(alpha)) for red, green, blue, alpha in colors[leaders]]
    return paints, labels


def led(colors: np.ndarray, counts: np.ndarray) -> tuple[list[int], np.ndarray]:
    """Group similar colors int [N, C]: the index of the most frequent one of each group, and each color's group."""
    leaders: list[int] = []
    group = np.zeros(len(colors), np.int64)
    for index in np.argsort(-counts, kind="stable"):
        near = np.abs(colors[leaders] - colors[index]).max(axis=1) <= SAME if leaders else np.zeros(0, bool)
        if near.any():
            group[index] = np.flatnonzero(near)[0]
        else:
            group[index] = len(leaders)
            leaders.append(int(index))
    return leaders, group


def _without_slivers(labels: np.ndarray, is_seen: np.ndarray) -> Boundaries:
    """Trace `labels`, after specks and regions that are not seen off the lines were given to a region beside them."""
    while True:
        boundaries = trace(labels)
        areas, seen = boundaries.sums(np.ones_like(labels)), boundaries.sums(is_seen)
        slivers = np.flatnonzero((areas > 0) & ((areas < _SPECK) | (seen == 0)))
        changed = False
        for loop in slivers[np.argsort(areas[slivers], kind="stable")]:
            sides = slice(boundaries.loops[loop], boundaries.loops[loop + 1])
            changed |= _give_away(labels, boundaries, sides)
        if not changed:
            return boundaries


def _give_away(labels: np.ndarray, boundaries: Boundaries, sides: slice) -> bool:
    """Give a region the label that most of its sides border on. Returns False if it fills the picture."""
    others = boundaries.other[sides]
    others = others[others != OUTSIDE]
    if not len(others):
        return False
    corners = boundaries.start[sides]
    left, top = corners.min(axis=0)
    right, bottom = corners.max(axis=0)
    window = labels[top:bottom, left:right]
    own = boundaries.own[sides.start]
    found = find_regions(window == own).labels
    at = int(np.flatnonzero(boundaries.direction[sides] == 0)[0])  # the region is below a side that leads right
    x, y = corners[at] - (left, top)
    if found[y, x] == 0:  # an earlier one changed it
        return False
    window[found == found[y, x]] = np.bincount(others).argmax()
    return True


def _contains(outline: np.ndarray, hole: np.ndarray) -> bool:
    """Tell whether a polygon contains a hole, by a ray from a point of the hole."""
    if (hole.min(axis=0) < outline.min(axis=0) - 1).any() or (hole.max(axis=0) > outline.max(axis=0) + 1).any():
        return False
    x, y = hole.mean(axis=0)
    x, y = hole[np.argmin(np.hypot(hole[:, 0] - x, hole[:, 1] - y))]
    after = np.roll(outline, -1, axis=0)
    crossing = (outline[:, 1] > y) != (after[:, 1] > y)
    one, other = outline[crossing], after[crossing]
    reach = one[:, 0] + (y - one[:, 1]) / (other[:, 1] - one[:, 1]) * (other[:, 0] - one[:, 0])
    return bool((reach > x).sum() % 2)
