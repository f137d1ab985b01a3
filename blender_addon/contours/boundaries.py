# SPDX-License-Identifier: GPL-3.0-or-later
"""The boundaries between the regions of a picture, traced along the sides of its pixels.

A region is a 4-connected area of one label. A side is walked with its region on the right, so most sides are walked
twice, in opposite directions. Places are x and y from the picture's upper left corner, in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_STEPS = np.array(((1, 0), (0, 1), (-1, 0), (0, -1)))
"""Where a side leads, by its direction: right, down, left, up. The next direction is a turn to the right."""

OUTSIDE = -1
"""The label around the picture."""


@dataclass(frozen=True)
class Boundaries:
    """The sides of all regions, in the order in which they are walked.

    start: the corner where each side begins, int [N, 2]. direction: index of its step, by side. own, other: the labels
    on its right and on its left. loops: where each closed loop of sides begins, and the number of sides. is_node: the
    side begins where more than two regions meet, or in a corner of the picture.
    """

    start: np.ndarray
    direction: np.ndarray
    own: np.ndarray
    other: np.ndarray
    loops: np.ndarray
    is_node: np.ndarray

    @property
    def end(self) -> np.ndarray:
        """The corner where each side ends, int [N, 2]."""
        ends: np.ndarray = self.start + _STEPS[self.direction]
        return ends

    def sums(self, values: np.ndarray) -> np.ndarray:
        """The sum of `values` [H, W] over the area that each loop encloses, negative for the loops around holes."""
        before = np.zeros((values.shape[0], values.shape[1] + 1), np.int64)
        np.cumsum(values, axis=1, out=before[:, 1:])
        x, y = self.start.T
        signs = np.array((0, 1, 0, -1))[self.direction]
        rows = np.where(self.direction == 3, y - 1, np.minimum(y, values.shape[0] - 1))
        sums: np.ndarray = np.add.reduceat(signs * before[rows, x], self.loops[:-1])
        return sums


def trace(labels: np.ndarray) -> Boundaries:
    """Trace the boundaries of all regions of `labels` int [H, W], which are at least 0."""
    framed = np.pad(labels.astype(np.int32), 1, constant_values=OUTSIDE)
    start, direction = _sides(framed)
    own, other = _beside(framed, start, direction, 0), _beside(framed, start, direction, 1)
    inside = own != OUTSIDE
    start, direction, own, other = start[inside], direction[inside], own[inside], other[inside]
    is_node = _nodes(framed, start)
    order, loops = _walk(_following(framed, start, direction, own), is_node)
    return Boundaries(start[order], direction[order], own[order], other[order], loops, is_node[order])


def _sides(framed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All sides between pixels of different labels, each in both directions: where it begins, and its direction."""
    y, x = np.nonzero(framed[1:, 1:-1] != framed[:-1, 1:-1])
    across = np.stack((x, y), axis=1)
    y, x = np.nonzero(framed[1:-1, 1:] != framed[1:-1, :-1])
    down = np.stack((x, y), axis=1)
    starts = across, down, across + _STEPS[0], down + _STEPS[1]
    return np.concatenate(starts), np.repeat(np.arange(4), [len(one) for one in starts])


def _pixel(framed: np.ndarray, corner: np.ndarray, direction: np.ndarray, ahead: int, left: int) -> np.ndarray:
    """The label of one of the four pixels around a corner, seen in a direction: ahead or behind, left or right."""
    forward, right = _STEPS[direction], _STEPS[(direction + 1) % 4]
    place = corner + np.where(ahead, forward, -forward) / 2 + np.where(left, -right, right) / 2 + 0.5
    x, y = place.astype(np.int64).T
    found: np.ndarray = framed[y, x]
    return found


def _beside(framed: np.ndarray, start: np.ndarray, direction: np.ndarray, left: int) -> np.ndarray:
    return _pixel(framed, start, direction, 1, left)


def _following(framed: np.ndarray, start: np.ndarray, direction: np.ndarray, own: np.ndarray) -> np.ndarray:
    """The index of the side of the same region that follows each side.

    A right turn comes first, so that pixels that only share a corner are not joined.
    """
    corner = start + _STEPS[direction]
    is_right = _pixel(framed, corner, direction, 1, 0) != own
    is_straight = _pixel(framed, corner, direction, 1, 1) != own
    turned = (direction + np.where(is_right, 1, np.where(is_straight, 0, 3))) % 4
    keys, wanted = _keys(framed, start, direction), _keys(framed, corner, turned)
    ordered = np.argsort(keys)
    following: np.ndarray = ordered[np.searchsorted(keys, wanted, sorter=ordered)]
    return following


def _keys(framed: np.ndarray, corner: np.ndarray, direction: np.ndarray) -> np.ndarray:
    keys: np.ndarray = (corner[:, 1] * framed.shape[1] + corner[:, 0]) * 4 + direction
    return keys


def _walk(following: np.ndarray, is_node: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sides in the order of their loops, and where each loop begins, followed by the number of sides.

    A loop begins at a node, if it has one.
    """
    successors = following.tolist()
    seen = bytearray(len(successors))
    order: list[int] = []
    loops = []
    for first in np.argsort(~is_node, kind="stable").tolist():
        if seen[first]:
            continue
        loops.append(len(order))
        side = first
        while not seen[side]:
            seen[side] = 1
            order.append(side)
            side = successors[side]
    return np.array(order, np.int64), np.array([*loops, len(order)], np.int64)


def _nodes(framed: np.ndarray, corner: np.ndarray) -> np.ndarray:
    x, y = corner.T
    around = framed[y, x], framed[y, x + 1], framed[y + 1, x + 1], framed[y + 1, x]
    sides = sum((around[at] != around[at - 1]).astype(np.int64) for at in range(4))
    is_corner = np.isin(x, (0, framed.shape[1] - 2)) & np.isin(y, (0, framed.shape[0] - 2))
    return (sides > 2) | is_corner
