# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture on a raster: the fill of each pixel, and whether it shows ink."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import skia
from scipy.ndimage import distance_transform_edt

from server.training.sources.raster import RasterLayer
from server.training.sources.svg import Part, Rgb

RASTER = 384
"""Height of the raster in pixels."""
MARGIN = 8

_DARK = 75
"""Brightness, of 255, below which paint may be ink."""
_THIN = 0.018
"""Half the thickness of the thickest ink, in heights of the figure. Thicker dark shapes are fills."""
_WHITE: Rgb = (255, 255, 255)


class RasterPicture:
    """The parts of a picture on a raster.

    Attributes:
        colors: the colors of the fills; the first is white, for pixels without a fill nearby.
        fills: uint8 [H,W], number of the part that fills a pixel, plus one; 0 for none.
        nearest: uint8 [H,W], `fills`, with the nearest fill also under ink and in slivers along it.
        ink: bool [H,W].
        is_ink: for each part, whether its fill is ink.
        silhouette: bool [H,W], the pixels that hide the background.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts
        self.colors: list[Rgb] = [_WHITE]
        width = max(max(abs(p.path.getBounds().left()), abs(p.path.getBounds().right())) for p in parts)
        self.scale = float(RASTER - 2 * MARGIN)
        self.size = (round(2 * width * self.scale) + 2 * MARGIN, RASTER)
        self.matrix = skia.Matrix()
        self.matrix.setAffine([self.scale, 0, 0, self.scale, self.size[0] / 2, RASTER - MARGIN])
        self._shown, self._inked = RasterLayer(self.size, self.matrix), RasterLayer(self.size, self.matrix)
        self.is_ink = self._find_ink()
        for number, part in enumerate(parts):
            self._draw(number, part)
        self.fills, self.ink = self._shown.pixels, self._inked.pixels > 0
        self.silhouette = self._enclosed()
        self.nearest = self._grown()

    def _find_ink(self) -> list[bool]:
        """Return whether each fill is dark and thin where it is visible. Other parts often hide most of a black one."""
        whole = RasterLayer(self.size, self.matrix)
        for number, part in enumerate(self.parts):
            if part.fill is not None:
                whole.fill(part.path, number + 1)
        thick = _THIN * self.scale
        return [
            part.fill is not None
            and _is_dark(part.fill)
            and cv2.distanceTransform((whole.pixels == number + 1).astype(np.uint8), cv2.DIST_L2, 3).max() < thick
            for number, part in enumerate(self.parts)
        ]

    def _draw(self, number: int, part: Part) -> None:
        """Draw a part. Fills cover fills and ink. Ink covers nothing, because it is on a fill."""
        if part.fill is not None:
            self._inked.fill(part.path, 255 if self.is_ink[number] else 0)
        if part.fill is not None and not self.is_ink[number]:
            self._shown.fill(part.path, number + 1)
        if part.stroke is not None:
            line = is_line(part)
            self._inked.stroke(part.path, part.width, 255 if line else 0)
            if not line:
                self._shown.stroke(part.path, part.width, number + 1)

    def _enclosed(self) -> np.ndarray:
        """Return everything that is drawn, including slits in it, but not the holes through which the background is
        visible. The outer half of the outline and a little more are left out, so that they do not show next to a
        fill."""
        drawn = ((self.fills > 0) | self.ink).astype(np.uint8)
        contours, _ = cv2.findContours(drawn, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        whole: np.ndarray = cv2.drawContours(drawn.copy(), contours, -1, 1, cv2.FILLED)
        whole -= cv2.morphologyEx(whole - drawn, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
        widths = [part.width for part in self.parts if is_line(part)]
        radius = 2 + (round(float(np.median(widths)) * self.scale / 2) if widths else 0)
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        return cv2.erode(whole, kernel) > 0

    def _grown(self) -> np.ndarray:
        if not self.fills.any():
            return self.fills
        rows, columns = distance_transform_edt(self.fills == 0, return_distances=False, return_indices=True)
        return np.where(self.silhouette | self.ink, self.fills[rows, columns], 0)

    def alone(self, part: Part) -> np.ndarray:
        """Return 255 for the pixels that the part's fill alone would cover, and 0 for others."""
        layer = RasterLayer(self.size, self.matrix)
        layer.fill(part.path, 255)
        return layer.pixels

    def color(self, color: Rgb) -> int:
        """Return the index of a color, which is added if it is new."""
        if color not in self.colors:
            self.colors.append(color)
        return self.colors.index(color)

    def color_of(self, number: int) -> int:
        """Return the color that a pixel of `fills` stands for."""
        if number == 0:
            return 0
        part = self.parts[number - 1]
        color = part.stroke if part.stroke is not None and not is_line(part) else part.fill
        return self.color(color or _WHITE)

    def units(self, pixels: np.ndarray) -> np.ndarray:
        """Convert points [P,2] from pixels to the figure's units."""
        return (pixels - (self.size[0] / 2, RASTER - MARGIN)) / self.scale


def _is_dark(color: Rgb) -> bool:
    return 0.3 * color[0] + 0.59 * color[1] + 0.11 * color[2] < _DARK


def is_line(part: Part) -> bool:
    """Return whether the part's stroke is a drawn line, not a band of color."""
    return part.stroke is not None and part.width < 3 * _THIN and (_is_dark(part.stroke) or part.width < 0.008)
