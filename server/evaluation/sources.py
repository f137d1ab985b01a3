# SPDX-License-Identifier: GPL-3.0-or-later
"""The painted drawings that the other drawings of a clip are colored from."""

from collections.abc import Collection, Iterator
from itertools import pairwise

Sources = tuple[tuple[int, ...], ...]
"""For each drawing, the painted drawings that it is colored from, the nearest first. A drawing without any is painted
itself, and does not count."""


def from_keyframes(drawings: int, keyframes: Collection[int]) -> Sources:
    """Each drawing is colored from all keyframes. Of two equally near ones, the earlier one comes first."""
    return tuple(
        () if drawing in keyframes else tuple(sorted(keyframes, key=lambda at: (abs(at - drawing), at)))
        for drawing in range(drawings)
    )


def from_neighbors(drawings: int) -> Sources:
    """Each drawing is colored from the drawing before it, and the first one from the second."""
    return ((1,), *((drawing - 1,) for drawing in range(1, drawings)))


def stretches(drawings: int, keyframes: Collection[int]) -> Iterator[tuple[int, range]]:
    """Yield each keyframe, in story order, with the drawings that are nearest to it, itself included. A drawing midway
    between two keyframes belongs to the earlier one."""
    ordered = sorted(keyframes)
    starts = [0, *((before + after) // 2 + 1 for before, after in pairwise(ordered)), drawings]
    for at, (start, stop) in zip(ordered, pairwise(starts), strict=True):
        yield at, range(start, stop)
