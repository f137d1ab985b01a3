# SPDX-License-Identifier: GPL-3.0-or-later
"""Which part of the drawings the line matcher sees, and at what scale.

If little has moved, the matcher sees only that part, enlarged. Otherwise a small figure would be a few features among
thousands of static ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from server.coloring.line_art.regions import find_paper
from server.coloring.matching import MULTIPLE, STRIDE

from .static_regions import compare_lines

PIXELS = 640 * 360
"""Area of the view, in pixels as the matcher sees them."""
LARGEST, CLOSEST = 2.0, 3.0
"""The most that drawings are enlarged, relative to their own size and to the size at which all of a drawing is seen."""
WORTHWHILE = 1.5
"""The matcher sees the whole drawing unless a part can be seen this many times larger."""
MARGIN = 1 / 12
"""Margin in view around what has moved, in heights of the drawing."""
SPECK = 1 / 48
"""A change that is neither as high nor as wide as this, in heights of the drawing, is dust."""

_CELLS = MULTIPLE // STRIDE


@dataclass(frozen=True)
class Crop:
    """A part of drawings that all have one size, in features of the matcher.

    size: height and width of a whole drawing in pixels as the matcher sees them. first: row and column of the first
    feature in view. count: rows and columns in view; some may lie beyond the drawing.
    """

    size: tuple[int, int]
    first: tuple[int, int]
    count: tuple[int, int]

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of features of a whole drawing."""
        return -(-self.size[0] // STRIDE), -(-self.size[1] // STRIDE)

    def of_lines(self, line_art: np.ndarray) -> np.ndarray:
        """Return the part of line art uint8 [H, W] that is in view, padded with paper."""
        smaller = self.size[0] < len(line_art)
        return self._of(line_art, cv2.INTER_AREA if smaller else cv2.INTER_LINEAR, padding=255)

    def of_entries(self, entries: np.ndarray) -> np.ndarray:
        """Return the part of palette entries uint16 [H, W] that is in view, padded with the first entry."""
        return self._of(entries, cv2.INTER_NEAREST, padding=0)

    def _of(self, image: np.ndarray, interpolation: int, padding: int) -> np.ndarray:
        scaled = cv2.resize(image, self.size[::-1], interpolation=interpolation)
        (top, below), (left, right) = (
            (STRIDE * first, STRIDE * (first + count)) for first, count in zip(self.first, self.count, strict=True)
        )
        seen = scaled[top:below, left:right]
        missing = below - top - seen.shape[0], right - left - seen.shape[1]
        return cv2.copyMakeBorder(seen, 0, missing[0], 0, missing[1], cv2.BORDER_CONSTANT, value=padding)

    def spread(self, votes: np.ndarray, beyond: np.ndarray) -> np.ndarray:
        """Write votes [rows, columns, N] for the view into the votes [h, w, N] for the whole grid, in place."""
        (top, left), (rows, columns) = self.first, self.count
        part = beyond[top : top + rows, left : left + columns]
        part[:] = votes[: part.shape[0], : part.shape[1]]
        return beyond


def whole_crop(shape: tuple[int, ...]) -> Crop:
    """Return a view of whole drawings [H, W], reduced to `PIXELS` if they are larger."""
    return _crop(shape, min(1.0, (PIXELS / (shape[0] * shape[1])) ** 0.5), np.array([[0, 0], shape]))


def find_crop(line_art: Sequence[np.ndarray]) -> Crop:
    """Return a view of where lines of drawings uint8 [H, W] have appeared or disappeared since the first one."""
    shape = line_art[0].shape
    before, *others = (~find_paper(drawing) for drawing in line_art)
    box = np.array([shape, [0, 0]])
    for lines in others:
        come, gone, _ = compare_lines(lines, before)
        _, _, parts, _ = cv2.connectedComponentsWithStats((come | gone).astype(np.uint8), connectivity=8)
        left, top, width, height, _ = parts[1:].T
        large = np.maximum(width, height) >= SPECK * shape[0]
        if large.any():
            box[0] = np.minimum(box[0], (top[large].min(), left[large].min()))
            box[1] = np.maximum(box[1], ((top + height)[large].max(), (left + width)[large].max()))
    whole = whole_crop(shape)
    if (box[0] >= box[1]).any():
        return whole
    margin = round(MARGIN * shape[0])
    box = np.stack([np.maximum(box[0] - margin, 0), np.minimum(box[1] + margin, shape)])
    scale = whole.size[0] / shape[0]
    closer = min((PIXELS / np.prod(box[1] - box[0])) ** 0.5, LARGEST, CLOSEST * scale)
    return _crop(shape, closer, box) if closer >= WORTHWHILE * scale else whole


def _crop(shape: tuple[int, ...], scale: float, box: np.ndarray) -> Crop:
    """Return a view of box [[top, left], [bottom, right]], in pixels of a drawing [H, W], scaled by `scale`."""
    size = round(shape[0] * scale), round(shape[1] * scale)
    first = np.floor(box[0] * scale / STRIDE).astype(int)
    last = np.ceil(np.minimum(box[1] * scale, size) / STRIDE).astype(int)
    count = -(-(last - first) // _CELLS) * _CELLS
    return Crop(size, (int(first[0]), int(first[1])), (int(count[0]), int(count[1])))
