# SPDX-License-Identifier: GPL-3.0-or-later
"""Connected regions of a drawing's paper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

INK = 224
"""A pixel darker than this, seven eighths of white, is line, as on the server."""


@dataclass(frozen=True)
class Regions:
    """Labeled regions.

    labels: int32 [H, W], 0 outside. areas: pixels by label. boxes: left, top, right and bottom (the last two excluded)
    by label. centers: float [N, 2], x and y by label. All of these have an empty entry for label 0.
    """

    labels: np.ndarray
    areas: np.ndarray
    boxes: np.ndarray
    centers: np.ndarray

    @property
    def count(self) -> int:
        """The number of labels, including 0."""
        return len(self.areas)


def find_regions(mask: np.ndarray) -> Regions:
    """Label the 4-connected regions of `mask` bool [H, W], from 1, in the reading order of their first pixels.

    Runs in a row are joined with the runs in the row above that they touch, all at once (union by pointer jumping).
    """
    height, width = mask.shape
    edges = np.diff(mask.astype(np.int8), axis=1, prepend=0, append=0)
    row, start = np.nonzero(edges == 1)
    _, end = np.nonzero(edges == -1)
    group = _joined(row * (width + 1) + start, row * (width + 1) + end, width + 1)
    roots, label = np.unique(group, return_inverse=True)
    count = len(roots) + 1
    label = label + 1
    length = end - start

    steps = np.zeros((height, width + 1), np.int32)
    np.add.at(steps, (row, start), label)
    np.add.at(steps, (row, end), -label)
    areas = np.bincount(label, length, count).astype(np.int64)
    boxes = np.zeros((count, 4), np.int64)
    boxes[1:] = (width, height, 0, 0)
    np.minimum.at(boxes[:, 0], label, start)
    np.minimum.at(boxes[:, 1], label, row)
    np.maximum.at(boxes[:, 2], label, end)
    np.maximum.at(boxes[:, 3], label, row + 1)
    sums = (np.bincount(label, length * (start + end - 1) / 2, count), np.bincount(label, length * row, count))
    centers = np.stack(sums, axis=1) / np.maximum(areas, 1)[:, None]
    return Regions(np.cumsum(steps, axis=1)[:, :width], areas, boxes, centers)


def _joined(start: np.ndarray, end: np.ndarray, stride: int) -> np.ndarray:
    """The smallest index of the runs that each run is connected with; positions in reading order, `stride` per row."""
    first = np.searchsorted(end, start - stride, side="right")
    last = np.searchsorted(start, end - stride, side="left")
    touched = np.maximum(last - first, 0)
    below = np.repeat(np.arange(len(start)), touched)
    above = np.arange(len(below)) - np.repeat(np.cumsum(touched) - touched, touched) + np.repeat(first, touched)
    group = np.arange(len(start))
    while True:
        one, other = group[below], group[above]
        if (one == other).all():
            return group
        np.minimum.at(group, one, other)
        np.minimum.at(group, other, one)
        while (group[group] != group).any():
            group = group[group]
