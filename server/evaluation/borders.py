# SPDX-License-Identifier: GPL-3.0-or-later
"""Borders between two colors that nothing explains: no line, not the truth, and no keyframe."""

from collections.abc import Sequence
from math import pi, sqrt

import cv2
import numpy as np
from scipy import sparse

from server.coloring.line_art.regions import LINE_BELOW
from server.evaluation.metrics import RIGHT, delta_e, interior_pixels

CLEAR = 3
"""Paper is open where no line is within this many pixels."""
NEAR = 3
"""A border of the truth explains borders of the result up to this many pixels away."""
_DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))
_LEVELS = 8
"""Colors that meet are compared in steps of this many levels, so that a shaded painting has few of them."""


def free_places(truth: np.ndarray, line_art: np.ndarray) -> np.ndarray:
    """Return where no border is expected, bool [H, W]: on open paper, away from the borders of the truth.

    truth: RGB uint8 [H, W, 3]; line_art: uint8 [H, W].
    """
    borders = np.zeros(line_art.size, np.uint8)
    for down, right in _DIRECTIONS:
        first, second = _steps(truth, interior_pixels(line_art), (2 * down, 2 * right))  # across a mixed pixel, too
        borders[(first + second) // 2] = 1
    square = np.ones((2 * NEAR + 1, 2 * NEAR + 1), np.uint8)
    return _open_paper(line_art) & (cv2.dilate(borders.reshape(line_art.shape), square) == 0)


def meeting_colors(painting: np.ndarray, line_art: np.ndarray) -> np.ndarray:
    """Return the pairs of colors that meet on open paper in a painted drawing, uint8 [M, 2, 3].

    painting: RGB uint8 [H, W, 3]; line_art: uint8 [H, W]. Colors also meet across one pixel, which may mix them.
    """
    paper, colors = _open_paper(line_art), painting.reshape(-1, 3)
    pairs = [
        np.stack([colors[side] for side in _steps(painting, paper, (reach * down, reach * right))], 1)
        for down, right in _DIRECTIONS
        for reach in (1, 2)
    ]
    return np.unique(_coarse(np.concatenate(pairs)), axis=0)


def unexplained_borders(result: np.ndarray, free: np.ndarray, meetings: Sequence[np.ndarray]) -> float:
    """Return the length of the borders of a result RGB uint8 [H, W, 3] that nothing explains, in picture heights.

    free: see `free_places`; meetings: see `meeting_colors`, for each keyframe. A border lies between neighboring pixels
    that differ by more than ΔE `RIGHT`. A keyframe explains it if two colors meet there that differ from these two by
    at most ΔE `RIGHT` each. The length is that of Cauchy and Crofton over four directions, which is right within 6 %.
    """
    colors = result.reshape(-1, 3)
    sides, weights = [], []
    for direction in _DIRECTIONS:
        pairs = np.stack([colors[side] for side in _steps(result, free, direction)], 1)
        sides.append(pairs)
        weights.append(np.full(len(pairs), pi / 8 / sqrt(sum(map(abs, direction)))))
    pairs, place = np.unique(_coarse(np.concatenate(sides)), axis=0, return_inverse=True)
    new = ~np.any([_are_among(pairs, known) for known in meetings], axis=0)
    return float(np.concatenate(weights)[new[place.ravel()]].sum()) / len(free)


def _open_paper(line_art: np.ndarray) -> np.ndarray:
    return cv2.erode(line_art, np.ones((2 * CLEAR + 1, 2 * CLEAR + 1), np.uint8)) >= LINE_BELOW


def _steps(picture: np.ndarray, paper: np.ndarray, direction: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the flat indices [N] of pixels, and of those in a direction (down, right) from them, whose colors differ
    by more than ΔE `RIGHT`, both on paper bool [H, W] of a picture RGB uint8 [H, W, 3]."""
    down, right = direction
    height, width = paper.shape
    first = np.s_[: height - down, max(0, -right) : width - max(0, right)]
    second = np.s_[down:, max(0, right) : width + min(0, right)]
    codes = picture @ np.array([65536, 256, 1])
    rows, columns = np.nonzero((codes[first] != codes[second]) & paper[first] & paper[second])
    pixels = rows * width + columns + max(0, -right)
    others = pixels + down * width + right
    colors = picture.reshape(-1, 3)
    far = delta_e(colors[pixels], colors[others]) > RIGHT
    return pixels[far], others[far]


def _coarse(colors: np.ndarray) -> np.ndarray:
    return colors // _LEVELS * _LEVELS + np.uint8(_LEVELS // 2)


def _are_among(pairs: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return which pairs of colors uint8 [P, 2, 3] are, in either order, among known pairs uint8 [K, 2, 3]: bool [P].
    Colors are the same up to ΔE `RIGHT`."""
    colors, own = np.unique(pairs.reshape(-1, 3), axis=0, return_inverse=True)
    others, their = np.unique(known.reshape(-1, 3), axis=0, return_inverse=True)
    alike = np.zeros((len(colors), len(others)), np.float32)
    for row, color in zip(alike, colors, strict=True):
        row[:] = delta_e(np.broadcast_to(color, others.shape), others) <= RIGHT
    (a, b), (c, d) = own.reshape(-1, 2).T, their.reshape(-1, 2).T
    meet = sparse.coo_array((np.ones(2 * len(c), np.float32), (np.r_[c, d], np.r_[d, c])), (len(others), len(others)))
    among: np.ndarray = (alike @ meet.tocsr()) @ alike.T > 0
    return among[a, b]
