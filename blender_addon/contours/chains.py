# SPDX-License-Identifier: GPL-3.0-or-later
"""Polygons from traced boundaries. Regions that share a boundary share its smooth line, so nothing shows between."""

from __future__ import annotations

import numpy as np

from .boundaries import Boundaries
from .smoothing import simplified, smoothed


def polygons(boundaries: Boundaries, wanted: np.ndarray) -> dict[int, np.ndarray]:
    """The smooth polygon, float [P, 2], of each loop that is wanted, bool [L].

    A chain is the part of a loop between two nodes, or a whole loop. Both regions beside it get the same line, because
    it is smoothed from the same end for both.
    """
    is_first = boundaries.is_node.copy()
    is_first[boundaries.loops[:-1]] = True
    starts = np.flatnonzero(is_first)
    points, offsets, is_closed = _points(boundaries, starts)
    mirrored = _mirrored(offsets, boundaries.own[starts] > boundaries.other[starts])
    moved = smoothed(points[mirrored], offsets, is_closed)
    kept = simplified(moved, offsets)[mirrored]
    moved = moved[mirrored]
    found: dict[int, list[np.ndarray]] = {int(loop): [] for loop in np.flatnonzero(wanted)}
    loop_of = np.searchsorted(boundaries.loops, starts, side="right") - 1
    for chain, loop in enumerate(loop_of.tolist()):
        if loop in found:
            part = slice(offsets[chain], offsets[chain + 1] - 1)  # the last point begins the next chain
            found[loop].append(moved[part][kept[part]])
    return {loop: np.concatenate(parts) for loop, parts in found.items()}


def _points(boundaries: Boundaries, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The middles of the sides of each chain, between its two nodes, if it has any; where each chain begins; and
    whether it is closed. A closed chain repeats its first point."""
    sides = np.diff(np.append(starts, len(boundaries.own)))
    is_closed = ~boundaries.is_node[starts]
    offsets = np.concatenate(([0], np.cumsum(sides + np.where(is_closed, 1, 2))))
    points = np.empty((offsets[-1], 2))
    ends = boundaries.end
    index = np.arange(len(boundaries.own)) - np.repeat(starts - offsets[:-1] - ~is_closed, sides)
    points[index] = (boundaries.start + ends) / 2
    first, last = offsets[:-1], offsets[1:] - 1
    points[first[~is_closed]] = boundaries.start[starts[~is_closed]]
    points[last[~is_closed]] = ends[(starts + sides - 1)[~is_closed]]
    points[last[is_closed]] = points[first[is_closed]]
    return points, offsets, is_closed


def _mirrored(offsets: np.ndarray, is_reversed: np.ndarray) -> np.ndarray:
    """The index of each point after the points of some chains are put into the opposite order."""
    chain = np.repeat(np.arange(len(is_reversed)), np.diff(offsets))
    index = np.arange(offsets[-1])
    mirrored: np.ndarray = np.where(is_reversed[chain], offsets[chain] + offsets[chain + 1] - 1 - index, index)
    return mirrored
