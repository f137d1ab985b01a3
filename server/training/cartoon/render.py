# SPDX-License-Identifier: GPL-3.0-or-later
"""Drawing marks into a pair of rasters: the inked drawing, and the map of its fills and parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np
import skia

from server.training.cartoon.shapes import hatching, place
from server.training.cartoon.strokes import Hand

_STROKE = skia.Paint.kStroke_Style
_FILL = skia.Paint.kFill_Style


@dataclass(frozen=True, slots=True)
class Mark:
    """One closed part, tube or line of a drawing, in the units of its figure.

    Attributes:
        path: the outline of the part; with `tube` > 0 the centerline of a band that wide.
        fill: index of its color, None for a line that encloses nothing.
        tube: width of the band around `path`; 0 for a closed part.
        line: width of the outline relative to the ink's; 0 for no outline.
        solid: inked solid in the drawing, as pupils are.
        clip: draw only inside this path (patterns on clothes).
        inset: whether it is on the part before it and belongs to it, as clipped marks do: the features of a face.
        shade: index of the color of its side away from the light, for a hard shadow without a line.
    """

    path: skia.Path
    fill: int | None
    tube: float = 0.0
    line: float = 1.0
    solid: bool = False
    clip: skia.Path | None = None
    inset: bool = False
    shade: int | None = None

    def moved(self, x: float, y: float, turn: float) -> Mark:
        """Return the mark turned by `turn` radians and moved to (x, y)."""
        clip = None if self.clip is None else place(self.clip, x, y, turn)
        return replace(self, path=place(self.path, x, y, turn), clip=clip)


Group = list[Mark]
"""Marks that share one outline around their union, so that no line crosses a joint."""


@dataclass(frozen=True, slots=True)
class Ink:
    """The ink: how lines are drawn.

    Attributes:
        width: width of lines in pixels of the raster; 0 leaves them out.
        gray: brightness of lines, 0..255.
        weight: extra thickness in pixels on the lower right side of closed parts (thick and thin lines).
        gap: share of an outline that is missing, in short gaps.
        boil: deviation in pixels of the lines from drawing to drawing.
        shade_line: width, relative to that of lines, of the line where a hard shadow ends; 0 leaves it out.
        hatch: distance in pixels of the strokes that fill hard shadows; 0 leaves them out.
        hand: how outlines are drawn by hand; None for even lines.
    """

    width: float
    gray: int = 0
    weight: float = 0.0
    gap: float = 0.0
    boil: float = 0.0
    shade_line: float = 0.0
    hatch: float = 0.0
    hand: Hand | None = None


class Sheet:
    """The two rasters of one drawing.

    Attributes:
        art: uint8 [H,W], 255 is paper; anti-aliased.
        labels: uint8 [H,W], the fill of every pixel; not anti-aliased, drawn without lines.
        parts: uint16 [H,W], 256 × the figure + its group in the order of painting (255 for all beyond).
    """

    def __init__(self, width: int, height: int) -> None:
        self.art = np.full((height, width), 255, np.uint8)
        self._map = np.zeros((height, width, 4), np.uint8)  # part (two bytes), label, opacity
        self.labels = self._map[..., 2]
        self.parts = self._map.view("<u2")[..., 0]
        gray = skia.ImageInfo.Make(width, height, skia.kGray_8_ColorType, skia.kOpaque_AlphaType)
        rgba = skia.ImageInfo.Make(width, height, skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType)
        self._surfaces = [
            skia.Surface.MakeRasterDirect(gray, self.art, width),
            skia.Surface.MakeRasterDirect(rgba, self._map, 4 * width),
        ]
        self._art, self._marks = (surface.getCanvas() for surface in self._surfaces)

    def copy(self, other: Sheet) -> None:
        """Copy another sheet of the same size into this one."""
        np.copyto(self.art, other.art)
        np.copyto(self._map, other._map)

    def paint(
        self, groups: Sequence[Group], ink: Ink, matrix: skia.Matrix, scale: float, drawing: int, figure: int = 0
    ) -> None:
        """Draw `groups` from back to front.

        Args:
            matrix: from the units of the marks to pixels; `scale` is its mean enlargement.
            drawing: number of the drawing, which seeds the irregularities of its lines.
            figure: the figure of these parts, 0..255. Clipped or inset marks belong to the part before them.
        """
        for canvas in (self._art, self._marks):
            canvas.save()
            canvas.setMatrix(matrix)
        brush = _Brush(self._art, self._marks, ink, scale, drawing, figure)
        part = 0
        for group in groups:
            if any(mark.fill is not None and mark.clip is None and not mark.inset for mark in group):
                part = min(part + 1, 255)
            for mark in group:
                if mark.line and ink.width and brush.sees(mark):
                    brush.outline(mark)
            for mark in group:
                if mark.fill is not None and brush.sees(mark):
                    brush.fill(mark, mark.fill, part)
        for canvas in (self._art, self._marks):
            canvas.restore()


class _Brush:
    """The paints of one ink. They are made once and changed for each mark, because making them costs as much as
    drawing."""

    def __init__(self, art: skia.Canvas, marks: skia.Canvas, ink: Ink, scale: float, drawing: int, figure: int) -> None:
        self._art, self._marks = art, marks
        self._ink, self._scale, self._figure = ink, scale, figure
        self._width, self._shift = ink.width / scale, ink.weight / scale
        self._frame = art.getLocalClipBounds()
        self._dark = _opaque(ink.gray)
        self._rng = Random(drawing * 256 + figure)
        boil = None
        if ink.boil:
            wobble = skia.DiscretePathEffect.Make(9 / scale, 2 * ink.boil / scale, drawing)
            boil = skia.PathEffect.MakeCompose(skia.CornerPathEffect.Make(6 / scale), wobble)
        dash = _gaps(ink, scale, drawing) if ink.gap and not ink.weight else None
        edge = skia.PathEffect.MakeCompose(dash, boil) if dash and boil else dash or boil
        self._edge = _paint(True, edge)
        self._edge.setStyle(_STROKE)
        self._edge.setColor(self._dark)
        self._paper, self._label = _paint(True, boil), _paint(False, boil)
        self._tube = skia.Paint(Style=_STROKE, StrokeCap=skia.Paint.kRound_Cap, StrokeJoin=skia.Paint.kRound_Join)

    def sees(self, mark: Mark) -> bool:
        """Return whether any of the mark may be in the frame. Most of the scenery is outside."""
        bounds = mark.path.getBounds()
        around = mark.tube + 4 * self._width
        return bounds.makeOutset(around, around).intersect(self._frame)

    def outline(self, mark: Mark) -> None:
        """Draw a line, or the outline of a part. The part's fill will cover the outline's inner half."""
        canvas, width = self._art, self._width * mark.line
        if mark.clip is not None:
            canvas.save()
            canvas.clipPath(mark.clip, True)
        if self._ink.hand is not None:
            self._draw_by_hand(mark, width, self._ink.hand)
        else:
            self._edge.setStrokeWidth(width if mark.fill is None else mark.tube + 2 * width)
            canvas.drawPath(mark.path, self._edge)
        if self._shift and mark.fill is not None:
            canvas.save()
            canvas.translate(self._shift, self._shift)
            canvas.drawPath(mark.path, self._edge)
            canvas.restore()
        if mark.clip is not None:
            canvas.restore()

    def _draw_by_hand(self, mark: Mark, width: float, hand: Hand) -> None:
        path = mark.path
        if mark.tube:
            path = skia.Path()
            self._tube.setStrokeWidth(mark.tube)
            self._tube.getFillPath(mark.path, path)
        self._edge.setStyle(_FILL)
        self._art.drawPath(
            hand.strokes(path, width if mark.fill is None else 2 * width, self._scale, self._rng), self._edge
        )
        self._edge.setStyle(_STROKE)

    def fill(self, mark: Mark, fill: int, part: int) -> None:
        """Cover the part with paper (or with ink if it is solid) and label it."""
        style = _STROKE if mark.tube else _FILL
        self._paper.setColor(self._dark if mark.solid else 0xFFFFFFFF)
        self._label.setColor(self._entry(fill, part))
        for canvas, paint in ((self._art, self._paper), (self._marks, self._label)):
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
            self._cast_shade(mark, mark.shade, part)

    def _cast_shade(self, mark: Mark, shade: int, part: int) -> None:
        """Darken the part where it does not overlap a copy of itself moved toward the light, at the upper left."""
        bounds = mark.path.getBounds()
        shift = 0.2 * min(bounds.width(), bounds.height())
        moved = place(mark.path, -shift, -shift * 0.3)
        self._label.setColor(self._entry(shade, part))
        for canvas in (self._art, self._marks):
            canvas.save()
            canvas.clipPath(mark.path, canvas is self._art)
        if self._ink.shade_line and self._width:
            self._edge.setStrokeWidth(self._width * self._ink.shade_line)
            self._art.drawPath(moved, self._edge)
        for canvas in (self._art, self._marks):
            canvas.clipPath(moved, skia.ClipOp.kDifference, canvas is self._art)
        self._marks.drawPath(mark.path, self._label)
        if self._ink.hatch and self._width:
            self._edge.setStrokeWidth(self._width * 0.6)
            self._art.drawPath(hatching(bounds, self._ink.hatch / self._scale), self._edge)
        for canvas in (self._art, self._marks):
            canvas.restore()

    def _entry(self, fill: int, part: int) -> int:
        return 0xFF000000 | part << 16 | self._figure << 8 | fill


def _opaque(value: int) -> int:
    return 0xFF000000 | value * 0x010101


def _paint(smooth: bool, effect: skia.PathEffect | None) -> skia.Paint:
    return skia.Paint(
        AntiAlias=smooth, StrokeCap=skia.Paint.kRound_Cap, StrokeJoin=skia.Paint.kRound_Join, PathEffect=effect
    )


def _gaps(ink: Ink, scale: float, drawing: int) -> skia.PathEffect:
    """Return dashes of uneven lengths, with gaps of one to five line widths at other places in every drawing."""
    rng, lengths = Random(drawing), []
    for _ in range(6):
        gap = rng.uniform(1, 5) * ink.width / scale
        lengths += [gap * (1 / ink.gap - 1) * rng.uniform(0.2, 1.8), gap + ink.width / scale]  # round ends add a width
    return skia.DashPathEffect.Make(lengths, 0.0)
