# SPDX-License-Identifier: GPL-3.0-or-later
"""Gaps in outlines: places where one region leaks into another because two lines do not quite meet."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

from .regions import INK, find_regions

_LEAST_SIDE = 0.0004
"""Smallest share of the picture that a region on either side of a gap must cover."""


@dataclass(frozen=True)
class Gap:
    """The place of a gap, in pixels, and the largest width of the opening."""

    x: float
    y: float
    width: int


def find_gaps(line_art: np.ndarray, width: int) -> list[Gap]:
    """Find the openings of at most `width` pixels that join parts of one region of line art uint8 [H, W].

    Pixels farther than half of `width` from every line form the parts that no such opening joins (erosion, Serra 1982).
    When the parts are grown back by what they lost, two parts meet where the passage between them is narrow and short:
    at a gap. A long narrow passage, such as between two fingers, is not a gap. Two parts that are joined elsewhere are
    one part.
    """
    paper = line_art >= INK
    radius = (width + 1) // 2
    parts = find_regions(~_near(~paper, radius))
    sizeable = parts.areas >= _LEAST_SIDE * paper.size
    sizeable[0] = False
    labels = np.where(sizeable[parts.labels], parts.labels, 0)
    for _ in range(radius + ceil(_line_width(line_art) / 2) + 1):
        labels = np.where((labels == 0) & paper, _largest_near(labels), labels)
    meetings = find_regions(_near(_meet(labels), 1))
    return [
        Gap(float(x), float(y), width)
        for (x, y), (left, top, right, bottom) in zip(meetings.centers[1:], meetings.boxes[1:], strict=True)
        if max(right - left, bottom - top) <= width + 4
    ]


def _near(mask: np.ndarray, radius: int) -> np.ndarray:
    """Where a mask is at most `radius` pixels away along each axis: bool [H, W]."""
    side = 2 * radius + 1
    total = np.pad(mask, ((radius + 1, radius), (radius + 1, radius))).cumsum(axis=0, dtype=np.int32).cumsum(axis=1)
    return total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side] > 0


def _largest_near(labels: np.ndarray) -> np.ndarray:
    """The largest label of each pixel and its eight neighbors."""
    rows = labels.copy()
    np.maximum(rows[1:], labels[:-1], out=rows[1:])
    np.maximum(rows[:-1], labels[1:], out=rows[:-1])
    largest = rows.copy()
    np.maximum(largest[:, 1:], rows[:, :-1], out=largest[:, 1:])
    np.maximum(largest[:, :-1], rows[:, 1:], out=largest[:, :-1])
    return largest


def _meet(labels: np.ndarray) -> np.ndarray:
    """Where pixels of two parts are adjacent: bool [H, W]."""
    meet = np.zeros(labels.shape, bool)
    for one, other, at in (
        (labels[:, 1:], labels[:, :-1], meet[:, 1:]),
        (labels[1:], labels[:-1], meet[1:]),
    ):
        at |= (one != other) & (one > 0) & (other > 0)
    return meet


def _line_width(line_art: np.ndarray) -> float:
    """Approximate width of the lines, in pixels: twice their area over the length of their edges."""
    ink = line_art < INK
    edge = int((ink[:, 1:] != ink[:, :-1]).sum() + (ink[1:] != ink[:-1]).sum())
    return 2 * float(ink.sum()) / max(edge, 1) * 1.3  # edges of slanted lines are counted along both axes
