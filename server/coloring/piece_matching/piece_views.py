# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures of the pieces of a drawing: each piece's lines at three scales, and its region's shape.

Means over squares of any size are read from an integral image (Crow, "Summed-area tables for texture mapping", 1984),
so that the views of a thousand pieces cost little.
"""

import cv2
import numpy as np

SIDE = 12
"""Pixels of a view in each direction."""
VIEWS = (4, SIDE, SIDE)
"""Shape of the views of a piece."""
CLOSE, WIDE, AROUND = 1.5, 4.0, 0.4
"""What views show: as many times a piece's box, and this share of the drawing's height."""
SMALLEST_BOX = 6
"""Boxes count as at least this many pixels."""
_SAMPLES = 2 * SIDE


def view_pieces(line_art: np.ndarray, regions: np.ndarray, own: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Return the views uint8 [P, 4, S, S] of pieces in line art uint8 [H, W].

    The first three show the lines, close, wide, and around, as darkness. The last one shows the piece's region, as
    close as the first.

    regions: int32 [H, W]; own: [P], the region of each piece; boxes: [P, 4], top, bottom, left and right.
    """
    middle = np.stack([boxes[:, 0] + boxes[:, 1], boxes[:, 2] + boxes[:, 3]], axis=1) / 2
    box = np.maximum(np.maximum(boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 2]), SMALLEST_BOX)
    around = np.full(len(box), AROUND * len(line_art))
    sums = cv2.integral(255 - line_art)
    lines = [_means(sums, middle, side) for side in (CLOSE * box, WIDE * box, around)]
    return np.stack([*lines, _masks(regions, own, middle, CLOSE * box)], axis=1).astype(np.uint8)


def _means(sums: np.ndarray, middle: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """Return the mean of the image with integral image `sums` over the squares of a grid, [P, S, S]. Outside the
    image, it is zero."""
    edges = np.linspace(-0.5, 0.5, SIDE + 1) * sides[:, None]
    rows, columns = (
        np.clip(np.round(middle[:, axis, None] + edges), 0, sums.shape[axis] - 1).astype(np.int64) for axis in (0, 1)
    )
    corners = sums[rows[:, :, None], columns[:, None, :]]
    totals = np.diff(np.diff(corners, axis=1), axis=2)
    return np.minimum(totals / np.maximum((sides / SIDE) ** 2, 1)[:, None, None], 255)


def _masks(regions: np.ndarray, own: np.ndarray, middle: np.ndarray, sides: np.ndarray) -> np.ndarray:
    offsets = ((np.arange(_SAMPLES) + 0.5) / _SAMPLES - 0.5) * sides[:, None]
    rows, columns = (np.floor(middle[:, axis, None] + offsets).astype(np.int64) for axis in (0, 1))
    is_row, is_column = ((at >= 0) & (at < size) for at, size in zip((rows, columns), regions.shape, strict=True))
    there = regions[rows.clip(0, regions.shape[0] - 1)[:, :, None], columns.clip(0, regions.shape[1] - 1)[:, None, :]]
    inside = (there == own[:, None, None]) & is_row[:, :, None] & is_column[:, None, :]
    return inside.reshape(len(own), SIDE, 2, SIDE, 2).mean(axis=(2, 4)) * 255
