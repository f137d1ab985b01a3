# SPDX-License-Identifier: GPL-3.0-or-later
"""One region of a flat picture: found where the animator points, and followed from drawing to drawing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..shared.checks.regions import INK, find_regions

_REACH = 12
"""How far from a point on a line its region may be, in pixels."""
_UNDER = 64
"""How far a region extends under its lines at most, in pixels."""
_ALIKE = 2.5
"""A region that moved away from its place has at most this many times its area, and at least the inverse of it."""
_FAR = 0.15
"""How far a region may move from one drawing to the next, in widths of the picture."""


@dataclass(frozen=True)
class Region:
    """A closed region in one color.

    mask: bool [H, W], also under its lines. color: of the picture that it was found in, uint8 [3 or 4]. area: off the
    lines, in pixels. center: x and y.
    """

    mask: np.ndarray
    color: np.ndarray
    area: int
    center: np.ndarray


def region_at(fills: np.ndarray, line_art: np.ndarray, x: int, y: int) -> Region | None:
    """Return the region at a pixel, or the nearest one to a pixel on a line; None if there is none.

    fills: colors without lines, uint8 [H, W, 3 or 4]; line_art: uint8 [H, W].
    """
    top, left = max(0, y - _REACH), max(0, x - _REACH)
    rows, columns = np.nonzero(line_art[top : y + _REACH + 1, left : x + _REACH + 1] >= INK)
    if not len(rows):
        return None
    nearest = np.hypot(rows + top - y, columns + left - x).argmin()
    row, column = rows[nearest] + top, columns[nearest] + left
    same = (fills == fills[row, column]).all(axis=2)
    found = find_regions(same & (line_art >= INK))
    return _region(fills, found.labels, same, int(found.labels[row, column]), found.areas, found.centers)


def follow(region: Region, fills: np.ndarray, line_art: np.ndarray) -> Region | None:
    """Return a region of another drawing that has the same color: the one that overlaps most, or else the nearest of a
    like size; None if there is none."""
    same = (fills == region.color).all(axis=2)
    found = find_regions(same & (line_art >= INK))
    if found.count == 1:
        return None
    overlap = np.bincount(found.labels[region.mask], minlength=found.count)
    overlap[0] = 0
    label = int(overlap.argmax())
    if not overlap[label]:
        distance = np.hypot(*(found.centers - region.center).T)
        ratio = found.areas / max(1, region.area)
        distance[(ratio > _ALIKE) | (ratio < 1 / _ALIKE)] = np.inf
        distance[0] = np.inf
        label = int(distance.argmin())
        if distance[label] > _FAR * fills.shape[1]:
            return None
    return _region(fills, found.labels, same, label, found.areas, found.centers)


def _region(
    fills: np.ndarray, labels: np.ndarray, same: np.ndarray, label: int, areas: np.ndarray, centers: np.ndarray
) -> Region:
    mask = labels == label
    row, column = (int(index[0]) for index in np.nonzero(mask))
    return Region(_under_lines(labels, same, label), fills[row, column], int(areas[label]), centers[label])


def _under_lines(labels: np.ndarray, same: np.ndarray, label: int) -> np.ndarray:
    """Return the pixels of a region, bool [H, W], and those of its color under lines that are nearer to it than to
    another region of this color."""
    rows, columns = np.nonzero(labels == label)
    part = np.s_[
        max(0, rows.min() - _UNDER) : rows.max() + 1 + _UNDER,
        max(0, columns.min() - _UNDER) : columns.max() + 1 + _UNDER,
    ]
    grown, free = np.pad(labels[part], 1), np.pad(same[part], 1)
    for _ in range(_UNDER):
        before = grown.copy()
        for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
            beside = np.roll(before, step, axis)
            take = (grown == 0) & free & (beside > 0)
            grown[take] = beside[take]
        if np.array_equal(before, grown):
            break
    mask = np.zeros(labels.shape, bool)
    mask[part] = grown[1:-1, 1:-1] == label
    return mask
