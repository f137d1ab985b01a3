# SPDX-License-Identifier: GPL-3.0-or-later
"""A raster on which a picture's paths are drawn, without anti-aliasing."""

from __future__ import annotations

import numpy as np
import skia


class RasterLayer:
    """A layer of numbers; `pixels` is uint8 [H,W]."""

    def __init__(self, size: tuple[int, int], matrix: skia.Matrix) -> None:
        self.pixels = np.zeros((size[1], size[0]), np.uint8)
        info = skia.ImageInfo.Make(*size, skia.kGray_8_ColorType, skia.kOpaque_AlphaType)
        self._surface = skia.Surface.MakeRasterDirect(info, self.pixels, size[0])
        self._surface.getCanvas().setMatrix(matrix)

    def fill(self, path: skia.Path, value: int) -> None:
        """Set all pixels inside `path`."""
        self._surface.getCanvas().drawPath(path, skia.Paint(Color=0xFF000000 | value * 0x010101))

    def stroke(self, path: skia.Path, width: float, value: int) -> None:
        """Set all pixels of a line along `path`."""
        paint = stroke_paint(width)
        paint.setColor(0xFF000000 | value * 0x010101)
        self._surface.getCanvas().drawPath(path, paint)


def stroke_paint(width: float) -> skia.Paint:
    """The paint of a line with round ends."""
    return skia.Paint(
        Style=skia.Paint.kStroke_Style,
        StrokeWidth=width,
        StrokeCap=skia.Paint.kRound_Cap,
        StrokeJoin=skia.Paint.kRound_Join,
    )
