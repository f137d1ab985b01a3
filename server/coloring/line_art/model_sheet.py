# SPDX-License-Identifier: GPL-3.0-or-later
"""Model sheets: painted pictures of figures that are no frames of the shot. They show colors, but no places."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from server.coloring.line_art.compositing import over
from server.coloring.line_art.difference_of_gaussians import DifferenceOfGaussians

PIXELS = 1280 * 720
"""Larger sheets are reduced to this area. The line matcher sees less than that."""
SAME_GROUND = 12
"""The ground of a sheet differs from its most frequent border color by at most this, in levels of a channel."""
STROKE = 1 / 30
"""The widest line of a sheet, in heights of the sheet."""
MARGIN = 1 / 24
"""Margin around what is painted, in sides of the sheet."""


class EmptySheet(ValueError):
    """A model sheet has nothing painted."""


@dataclass(frozen=True)
class ModelSheet:
    """A model sheet.

    painting: with its lines, RGB uint8 [h, w, 3]. line_art: its lines, uint8 [h, w]. shown: where it is painted, bool
    [h, w]; the rest is ground.
    """

    painting: np.ndarray
    line_art: np.ndarray
    shown: np.ndarray

    def fitted(self, entries: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Scale the sheet to a height and width, centered.

        entries: the palette entries of its pixels, uint16 [h, w]. Returns its line art uint8, its entries uint16, and
        where it is painted, bool, all [height, width].
        """
        rows, columns = self.shown.shape
        scale = min(height / rows, width / columns)
        size = max(1, round(columns * scale)), max(1, round(rows * scale))
        top, left = (height - size[1]) // 2, (width - size[0]) // 2
        place = np.s_[top : top + size[1], left : left + size[0]]
        line_art = np.full((height, width), 255, np.uint8)
        line_art[place] = cv2.resize(
            self.line_art, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        )
        labels, shown = np.zeros((height, width), np.uint16), np.zeros((height, width), bool)
        labels[place] = cv2.resize(entries, size, interpolation=cv2.INTER_NEAREST)
        shown[place] = cv2.resize(self.shown.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
        return line_art, labels, shown

    def on(self, color: np.ndarray) -> np.ndarray:
        """Return the painting on a ground of one color uint8 [3 or 4], with as many channels as that."""
        opaque = np.dstack([self.painting, np.full(self.shown.shape, 255, np.uint8)])[..., : len(color)]
        return np.where(self.shown[..., None], opaque, color)


def read_sheet(pixels: np.ndarray) -> ModelSheet:
    """Read a model sheet, straight RGBA uint8 [H, W, 4].

    Its ground is transparent, or has one color that reaches the border. Its lines are dark and thin. What is not
    painted around it is cut off. Raises EmptySheet.
    """
    scale = (PIXELS / (pixels.shape[0] * pixels.shape[1])) ** 0.5
    if scale < 1:
        size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    painting, shown = over(pixels, 255), ~_ground(pixels)
    if not shown.any():
        raise EmptySheet("The model sheet is empty: it has one color everywhere. Use a picture of painted figures.")
    sheet = ModelSheet(painting, cv2.min(DifferenceOfGaussians()(painting), _strokes(painting)), shown)
    part = []
    for axis, side in enumerate(shown.shape):
        at = np.flatnonzero(shown.any(axis=1 - axis))
        margin = round(MARGIN * side)
        part.append(slice(max(0, at[0] - margin), at[-1] + 1 + margin))
    rows, columns = part
    return replace(
        sheet,
        painting=painting[rows, columns],
        line_art=sheet.line_art[rows, columns],
        shown=shown[rows, columns],
    )


def _strokes(painting: np.ndarray) -> np.ndarray:
    """Return 0 on strokes that are less than half as bright as what is beside them, otherwise 255, uint8 [H, W].

    painting: RGB uint8 [H, W, 3]. A closing fills whatever is narrower than `STROKE`.
    """
    gray = cv2.cvtColor(painting, cv2.COLOR_RGB2GRAY)
    side = 2 * max(1, round(STROKE * len(gray) / 2)) + 1
    beside = cv2.morphologyEx(gray, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    return np.where(beside > 2 * gray.astype(np.uint16) + 16, np.uint8(0), np.uint8(255))


def _ground(pixels: np.ndarray) -> np.ndarray:
    """Return where a sheet, straight RGBA uint8 [H, W, 4], is not painted, bool [H, W]."""
    transparent = pixels[..., 3] < 128
    if transparent.any():
        return transparent
    rim = np.ones(transparent.shape, bool)
    rim[1:-1, 1:-1] = False
    colors, counts = np.unique(pixels[rim][:, :3], axis=0, return_counts=True)
    color = colors[counts.argmax()].astype(np.int16)
    alike = np.abs(pixels[..., :3] - color).max(axis=2) <= SAME_GROUND
    _, areas = cv2.connectedComponents(alike.astype(np.uint8), connectivity=4)
    outside = np.unique(areas[rim & alike])
    return np.isin(areas, outside) & alike
