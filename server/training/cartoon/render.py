# SPDX-License-Identifier: GPL-3.0-or-later
"""Drawing marks into a pair of rasters: the inked drawing and the map of its fills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np
import skia

from server.training.cartoon.shapes import place

_STROKE = skia.Paint.kStroke_Style
_FILL = skia.Paint.kFill_Style


@dataclass(frozen=True, slots=True)
class Mark:
    """One closed part, tube or line of a drawing, in the units of whoever draws it.

    Attributes:
        path: the outline of the part; with `tube` > 0 the centreline of a band that wide.
        fill: index of its colour, None for a line that encloses nothing.
        tube: width of the band around `path`; 0 for a closed part.
        line: width of the outline relative to the ink's; 0 for no outline.
        solid: inked solid in the drawing, as pupils are.
        clip: draw only inside this path (patterns on clothes).
        shade: index of the colour of its side away from the light, a hard shadow that no line shows.
    """

    path: skia.Path
    fill: int | None
    tube: float = 0.0
    line: float = 1.0
    solid: bool = False
    clip: skia.Path | None = None
    shade: int | None = None

    def moved(self, x: float, y: float, turn: float) -> Mark:
        """The mark turned by `turn` radians and moved to (x, y)."""
        clip = None if self.clip is None else place(self.clip, x, y, turn)
        return replace(self, path=place(self.path, x, y, turn), clip=clip)


Group = list[Mark]
"""Marks that share one outline around their union, so that no line crosses a joint."""


@dataclass(frozen=True, slots=True)
class Ink:
    """How lines are drawn.

    Attributes:
        width: width of lines in pixels of the raster; 0 leaves them out.
        grey: brightness of lines, 0..255.
        weight: extra thickness in pixels on the lower right side of closed parts (thick and thin lines).
        gap: share of an outline that is missing, in short gaps.
        boil: deviation in pixels with which the lines of each drawing differ.
    """

    width: float
    grey: int = 0
    weight: float = 0.0
    gap: float = 0.0
    boil: float = 0.0


class Sheet:
    """The two rasters of one drawing.

    Attributes:
        art: uint8 [H,W], 255 is paper; anti-aliased.
        labels: uint8 [H,W], the fill of every pixel; not anti-aliased, drawn without lines.
    """

    def __init__(self, width: int, height: int) -> None:
        self.art = np.full((height, width), 255, np.uint8)
        self.labels = np.zeros((height, width), np.uint8)
        info = skia.ImageInfo.Make(width, height, skia.kGray_8_ColorType, skia.kOpaque_AlphaType)
        self._surfaces = [skia.Surface.MakeRasterDirect(info, raster, width) for raster in (self.art, self.labels)]
        self._art, self._labels = (surface.getCanvas() for surface in self._surfaces)

    def copy(self, other: Sheet) -> None:
        """Take over what another sheet of the same size shows."""
        np.copyto(self.art, other.art)
        np.copyto(self.labels, other.labels)

    def paint(self, groups: Sequence[Group], ink: Ink, matrix: skia.Matrix, scale: float, drawing: int) -> None:
        """Draw `groups` from back to front.

        Args:
            matrix: from the units of the marks to pixels; `scale` is its mean enlargement.
            drawing: number of the drawing, which seeds the boil of its lines.
        """
        for canvas in (self._art, self._labels):
            canvas.save()
            canvas.setMatrix(matrix)
        brush = _Brush(self._art, self._labels, ink, scale, drawing)
        for group in groups:
            for mark in group:
                if mark.line and ink.width:
                    brush.outline(mark)
            for mark in group:
                if mark.fill is not None:
                    brush.fill(mark, mark.fill)
        for canvas in (self._art, self._labels):
            canvas.restore()


class _Brush:
    """The paints of one ink. They are made once and changed a mark, since making them costs as much as drawing."""

    def __init__(self, art: skia.Canvas, labels: skia.Canvas, ink: Ink, scale: float, drawing: int) -> None:
        self._art, self._labels = art, labels
        self._width, self._shift = ink.width / scale, ink.weight / scale
        self._dark = _opaque(ink.grey)
        boil = skia.DiscretePathEffect.Make(5 / scale, ink.boil / scale, drawing) if ink.boil else None
        dash = _gaps(ink, scale, drawing) if ink.gap and not ink.weight else None
        edge = skia.PathEffect.MakeCompose(dash, boil) if dash and boil else dash or boil
        self._edge = _paint(True, edge)
        self._edge.setStyle(_STROKE)
        self._edge.setColor(self._dark)
        self._paper, self._label = _paint(True, boil), _paint(False, boil)

    def outline(self, mark: Mark) -> None:
        """Ink the outline of a part, whose inner half its fill will cover, or a line."""
        canvas, width = self._art, self._width * mark.line
        if mark.clip is not None:
            canvas.save()
            canvas.clipPath(mark.clip, True)
        self._edge.setStrokeWidth(width if mark.fill is None else mark.tube + 2 * width)
        canvas.drawPath(mark.path, self._edge)
        if self._shift and mark.fill is not None:
            canvas.save()
            canvas.translate(self._shift, self._shift)
            canvas.drawPath(mark.path, self._edge)
            canvas.restore()
        if mark.clip is not None:
            canvas.restore()

    def fill(self, mark: Mark, fill: int) -> None:
        """Cover the part with paper (or with ink if it is solid) and label it."""
        style = _STROKE if mark.tube else _FILL
        self._paper.setColor(self._dark if mark.solid else 0xFFFFFFFF)
        self._label.setColor(_opaque(fill))
        for canvas, paint in ((self._art, self._paper), (self._labels, self._label)):
            paint.setStyle(style)
            paint.setStrokeWidth(mark.tube)
            if mark.clip is None:
                canvas.drawPath(mark.path, paint)
                continue
            canvas.save()
            canvas.clipPath(mark.clip, canvas is self._art)
            canvas.drawPath(mark.path, paint)
            canvas.restore()
        if mark.shade is not None:
            self._cast_shade(mark, mark.shade)

    def _cast_shade(self, mark: Mark, shade: int) -> None:
        """Darken what of the part is not in the part moved towards the light, at the upper left."""
        bounds = mark.path.getBounds()
        shift = 0.2 * min(bounds.width(), bounds.height())
        canvas = self._labels
        canvas.save()
        canvas.clipPath(mark.path)
        moved = place(mark.path, -shift, -shift * 0.3)
        canvas.clipPath(moved, skia.ClipOp.kDifference)
        self._label.setColor(_opaque(shade))
        canvas.drawPath(mark.path, self._label)
        canvas.restore()


def _opaque(value: int) -> int:
    return 0xFF000000 | value * 0x010101


def _paint(smooth: bool, effect: skia.PathEffect | None) -> skia.Paint:
    return skia.Paint(
        AntiAlias=smooth, StrokeCap=skia.Paint.kRound_Cap, StrokeJoin=skia.Paint.kRound_Join, PathEffect=effect
    )


def _gaps(ink: Ink, scale: float, drawing: int) -> skia.PathEffect:
    """Dashes of uneven lengths with gaps of one to five line widths between, elsewhere in every drawing."""
    rng, lengths = Random(drawing), []
    for _ in range(6):
        gap = rng.uniform(1, 5) * ink.width / scale
        lengths += [gap * (1 / ink.gap - 1) * rng.uniform(0.2, 1.8), gap + ink.width / scale]  # round ends take a width
    return skia.DashPathEffect.Make(lengths, 0.0)
