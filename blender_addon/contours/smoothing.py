# SPDX-License-Identifier: GPL-3.0-or-later
"""Smooth lines through the stairs of traced boundaries.

All functions work on many chains of points at once: points float [P, 2], and `offsets` int [C + 1], where each chain
begins. A closed chain repeats its first point at its end.
"""

from __future__ import annotations

import numpy as np

_WINDOWS = (16, 8, 8, 4, 4, 2)
"""Points to either side that a pass of the smoothing looks at: wide ones straighten long steps."""
_LEEWAY = 0.6
"""How far a point may leave the traced boundary, in pixels: a slanted line is never farther from its stairs. What is
farther is a corner, and stays one."""
TOLERANCE = 0.15
"""How far a point that is left out may be from the line without it, in pixels."""


def smoothed(points: np.ndarray, offsets: np.ndarray, is_closed: np.ndarray) -> np.ndarray:
    """The points moved onto smooth lines. The ends of open chains stay.

    Each pass fits a parabola to a window of points (Savitzky and Golay, 1964), so that arcs do not shrink. A chain is
    smoothed to the same line from either end.
    """
    length = np.diff(offsets)
    chain = np.repeat(np.arange(len(length)), length)
    first, period = offsets[chain], length[chain] - 1
    place = np.arange(len(points)) - first
    closed = is_closed[chain]
    room = np.where(closed, period // 2, np.minimum(place, period - place))
    moved = points
    for window in _WINDOWS:
        half = np.minimum(room, window)
        scale = np.maximum((2 * half - 1) * (2 * half + 1) * (2 * half + 3), 1)
        total = (3 * (3 * half**2 + 3 * half - 1) / scale)[:, None] * moved
        for step in range(1, window + 1):
            weight = np.where(step <= half, 3 * (3 * half**2 + 3 * half - 1 - 5 * step**2) / scale, 0.0)
            before, after = place - step, place + step
            before = np.where(closed, before % np.maximum(period, 1), np.maximum(before, 0))
            after = np.where(closed, after % np.maximum(period, 1), np.minimum(after, period))
            total = total + weight[:, None] * (moved[first + before] + moved[first + after])
        moved = _held(np.where((half < 1)[:, None], moved, total), points)
    return moved


def _held(moved: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points that moved, but not too far from where they were."""
    way = moved - points
    far = np.hypot(way[:, 0], way[:, 1])
    held: np.ndarray = points + way * (_LEEWAY / np.maximum(far, _LEEWAY))[:, None]
    return held


def simplified(points: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Which points to keep, bool [P], so that no other is farther than TOLERANCE from the line without it.

    Ramer, Douglas and Peucker's algorithm, for all chains at once: each round splits every piece at its farthest point.
    The longest side of a chain is halved first, so that a closed chain has an inside.
    """
    kept = np.zeros(len(points), bool)
    low, high = offsets[:-1], offsets[1:] - 1
    kept[low] = kept[high] = True
    middle = (low + high) // 2
    is_ring = (high - low > 2) & (points[low] == points[high]).all(axis=1)
    kept[middle[is_ring]] = True
    low = np.concatenate((low[~is_ring], low[is_ring], middle[is_ring]))
    high = np.concatenate((high[~is_ring], middle[is_ring], high[is_ring]))
    while True:
        long = high - low > 1
        low, high = low[long], high[long]
        if not len(low):
            return kept
        farthest, distance = _farthest(points, low, high)
        split = distance > TOLERANCE
        low, high, farthest = low[split], high[split], farthest[split]
        kept[farthest] = True
        low, high = np.concatenate((low, farthest)), np.concatenate((farthest, high))


def _farthest(points: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The index of the point between the ends of each piece that is farthest from their line, and its distance."""
    count = high - low - 1
    begin = np.cumsum(count) - count
    piece = np.repeat(np.arange(len(low)), count)
    index = np.arange(len(piece)) - begin[piece] + low[piece] + 1
    base, way = points[low], points[high] - points[low]
    length = np.hypot(way[:, 0], way[:, 1])
    away = points[index] - base[piece]
    across = np.abs(way[piece, 0] * away[:, 1] - way[piece, 1] * away[:, 0]) / np.maximum(length, 1e-9)[piece]
    distance = np.where(length[piece] > 1e-9, across, np.hypot(away[:, 0], away[:, 1]))
    most = np.maximum.reduceat(distance, begin)
    is_most = np.flatnonzero(distance == most[piece])
    _, first = np.unique(piece[is_most], return_index=True)
    return index[is_most[first]], most
