# SPDX-License-Identifier: GPL-3.0-or-later
"""From a picture's paths to a drawing: what is ink, what is a fill, and which borders lack a line.

Decided once a picture, on a raster of `RASTER` pixels a side; what is kept are the picture's own curves.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import skia
from scipy.ndimage import distance_transform_edt

from server.training.cartoon.shapes import polygon
from server.training.sources.drawing import BODY, EDGE, FILL, INK, LINE, Drawing, flatten
from server.training.sources.svg import Part, Rgb

RASTER = 384
MAX_PARTS = 150
MAX_POINTS = 4000
"""Pictures with more than this are too slow to animate."""

_MARGIN = 8
_DARK = 75
"""Brightness of 255 below which paint may be ink."""
_THIN = 0.018
"""Half the thickness of the thickest ink, in heights of the figure; darker shapes that are thicker are fills."""
_NEAR = 4
"""Pixels within which a border has a line already."""
_ASTRAY = 0.2
"""Share of its fills' borders that may lie away from the lines; some artists print colors askew on purpose."""
_SHORTEST = 7
"""Pixels; a shorter border is not worth a line."""
_USUAL_LINE = 0.02
"""In heights of the figure, where a picture has no lines of its own."""
_WHITE: Rgb = (255, 255, 255)

_Mark = tuple[int, int, float, skia.Path]
"""Kind, index of the color, relative width, path."""


def prepare_drawing(parts: Sequence[Part], name: str, family: str, words: str) -> Drawing | None:
    """Prepare one picture, or None if it cannot be used: too many parts, no fills, or fills beside their lines."""
    if not 1 <= len(parts) <= MAX_PARTS or not any(part.fill for part in parts):
        return None
    standing = _standing(parts)
    if standing is None:
        return None
    picture = _Picture(standing)
    marks = picture.marks()
    if not picture.silhouette.any() or len(picture.colors) < 2 or picture.astray(marks) > _ASTRAY:
        return None
    paths = [flatten(path) for _, _, _, path in marks]
    points = np.array([point for at, _ in paths for point in at], np.float32)
    if len(points) > MAX_POINTS:
        return None
    return Drawing(
        name=name,
        family=family,
        words=words,
        marks=np.array([(m[0], m[1], len(at), len(st)) for m, (at, st) in zip(marks, paths, strict=True)], np.int32),
        widths=np.array([mark[2] for mark in marks], np.float32),
        points=points,
        steps=np.array([step for _, steps in paths for step in steps], np.uint8),
        colors=np.array(picture.colors, np.uint8),
    )


def _standing(parts: Sequence[Part]) -> list[Part] | None:
    """The parts in heights of the figure, standing on y = 0, or None if they are nowhere."""
    whole = skia.Rect.MakeEmpty()
    for part in parts:
        box = part.path.computeTightBounds()
        if part.stroke:
            box.outset(part.width / 2, part.width / 2)
        whole.join(box)
    longest = max(whole.height(), 0.7 * whole.width())
    if not 0 < longest < float("inf"):
        return None
    scale = 1 / longest
    matrix = skia.Matrix()
    matrix.setAffine([scale, 0, 0, scale, -whole.centerX() * scale, -whole.bottom() * scale])
    moved = []
    for part in parts:
        path = skia.Path()
        part.path.transform(matrix, path)
        moved.append(Part(path, part.fill, part.stroke, part.width * scale))
    return moved


class _Layer:
    """A raster to draw on without smooth edges; `pixels` is uint8 [H,W]."""

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
        paint = _stroke(width)
        paint.setColor(0xFF000000 | value * 0x010101)
        self._surface.getCanvas().drawPath(path, paint)


class _Picture:
    """A picture on a raster: which fill, and whether ink, every pixel shows.

    Attributes:
        colors: those of the fills; the first is white, for what no fill is near.
        fills: uint8 [H,W], number of the part that fills a pixel, plus one; 0 for none.
        ink: bool [H,W].
        silhouette: bool [H,W], what hides that which is behind.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts
        self.colors: list[Rgb] = [_WHITE]
        width = max(max(abs(p.path.getBounds().left()), abs(p.path.getBounds().right())) for p in parts)
        self.scale = float(RASTER - 2 * _MARGIN)
        self.size = (round(2 * width * self.scale) + 2 * _MARGIN, RASTER)
        self.matrix = skia.Matrix()
        self.matrix.setAffine([self.scale, 0, 0, self.scale, self.size[0] / 2, RASTER - _MARGIN])
        self._shown, self._inked = _Layer(self.size, self.matrix), _Layer(self.size, self.matrix)
        self.is_ink = self._find_ink()
        for number, part in enumerate(parts):
            self._draw(number, part)
        self.fills, self.ink = self._shown.pixels, self._inked.pixels > 0
        self.silhouette = self._enclosed()

    def _find_ink(self) -> list[bool]:
        """Whether what can be seen of a part's fill is dark and thin; black shapes often peep out from under others."""
        whole = _Layer(self.size, self.matrix)
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

    def _alone(self, part: Part) -> np.ndarray:
        """The pixels that the part's fill would cover by itself, 255, others 0."""
        layer = _Layer(self.size, self.matrix)
        layer.fill(part.path, 255)
        return layer.pixels

    def _draw(self, number: int, part: Part) -> None:
        """Fills cover fills and ink; ink covers nothing, since it lies on a fill."""
        if part.fill is not None:
            self._inked.fill(part.path, 255 if self.is_ink[number] else 0)
        if part.fill is not None and not self.is_ink[number]:
            self._shown.fill(part.path, number + 1)
        if part.stroke is not None:
            line = _is_line(part)
            self._inked.stroke(part.path, part.width, 255 if line else 0)
            if not line:
                self._shown.stroke(part.path, part.width, number + 1)

    def _enclosed(self) -> np.ndarray:
        """All that is drawn, and slits in it, but no holes that one sees through; without the outer half of the outline
        and a little more, so that nothing of it peeps out beside a fill."""
        drawn = ((self.fills > 0) | self.ink).astype(np.uint8)
        contours, _ = cv2.findContours(drawn, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        whole: np.ndarray = cv2.drawContours(drawn.copy(), contours, -1, 1, cv2.FILLED)
        whole -= cv2.morphologyEx(whole - drawn, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
        widths = [part.width for part in self.parts if _is_line(part)]
        reach = 2 + (round(float(np.median(widths)) * self.scale / 2) if widths else 0)
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        return cv2.erode(whole, kernel) > 0

    def marks(self) -> list[_Mark]:
        """All marks from back to front."""
        self._nearest = self._grown()
        lines = [part.width for part in self.parts if _is_line(part)]
        usual = float(np.median(lines)) if lines else _USUAL_LINE
        marks: list[_Mark] = [(BODY, 0, 0.0, self._outline(self.silhouette))]
        marks += self._slivers()
        for number, part in enumerate(self.parts):
            if part.fill is not None and self.is_ink[number]:
                marks.append((INK, self._around(part), 0.0, part.path))
            elif part.fill is not None:
                marks.append((FILL, self._color(part.fill), 0.0, part.path))
                marks += [(EDGE, 0, 1.0, edge) for edge in self._edges(number, part.path)]
            if part.stroke is None:
                continue
            if _is_line(part):
                marks.append((LINE, 0, min(2.0, max(0.4, part.width / usual)), part.path))
                continue
            band = skia.Path()
            _stroke(part.width).getFillPath(part.path, band)
            marks.append((FILL, self._color(part.stroke), 0.0, band))
            marks += [(EDGE, 0, 1.0, edge) for edge in self._edges(number, band)]
        return marks

    def astray(self, marks: Sequence[_Mark]) -> float:
        """The share of the fills' borders that are not near the middle of any line."""
        lines, thin = _Layer(self.size, self.matrix), 3 / self.scale
        for kind, _, _, path in marks:
            if kind == INK:
                lines.fill(path, 255)
            elif kind in (LINE, EDGE):
                lines.stroke(path, thin, 255)
        near = cv2.dilate(lines.pixels, np.ones((2 * _NEAR + 1,) * 2, np.uint8)) > 0
        colors = np.array([0] + [self._color_of(number + 1) + 1 for number in range(len(self.parts))])
        colors = colors[np.where(self.silhouette, self._nearest, self.fills)]
        borders = np.zeros(near.shape, bool)
        borders[:, 1:] |= colors[:, 1:] != colors[:, :-1]
        borders[1:] |= colors[1:] != colors[:-1]
        return float((borders & ~near).sum() / max(1, borders.sum()))

    def _color(self, color: Rgb) -> int:
        if color not in self.colors:
            self.colors.append(color)
        return self.colors.index(color)

    def _color_of(self, number: int) -> int:
        """The color that a pixel of `fills` stands for."""
        if number == 0:
            return 0
        part = self.parts[number - 1]
        color = part.stroke if part.stroke is not None and not _is_line(part) else part.fill
        return self._color(color or _WHITE)

    def _grown(self) -> np.ndarray:
        """`fills` with the nearest one also under ink and in slivers along it; uint8 [H,W]."""
        if not self.fills.any():
            return self.fills
        rows, columns = distance_transform_edt(self.fills == 0, return_distances=False, return_indices=True)
        return np.where(self.silhouette | self.ink, self.fills[rows, columns], 0)

    def _slivers(self) -> list[_Mark]:
        """Fills under lines, where the artist's fill ends before the line does."""
        slivers = (self.fills == 0) & (self._nearest > 0) & self.silhouette
        marks: list[_Mark] = []
        colors = {number: self._color_of(number) for number in np.unique(self._nearest[slivers]).tolist()}
        for color in sorted(set(colors.values())):
            here = slivers & np.isin(self._nearest, [number for number, own in colors.items() if own == color])
            wide = cv2.dilate(here.astype(np.uint8), np.ones((3, 3), np.uint8))
            marks.append((FILL, color, 0.0, self._outline((wide > 0) & self.silhouette)))
        return [mark for mark in marks if not mark[3].isEmpty()]

    def _around(self, part: Part) -> int:
        """The color of the fill in or around which ink lies."""
        numbers = self._nearest[(self._alone(part) > 0) & self.ink]
        numbers = numbers[numbers > 0]
        return self._color_of(int(np.bincount(numbers).argmax())) if len(numbers) else 0

    def _outline(self, mask: np.ndarray) -> skia.Path:
        """The outlines of a mask, holes too, in the figure's units."""
        contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        path = skia.Path()
        path.setFillType(skia.PathFillType.kEvenOdd)
        for contour in contours:
            corners = cv2.approxPolyDP(contour, 0.8, True)[:, 0] + 0.5
            if len(corners) > 2 and cv2.contourArea(contour) > 12:
                path.addPath(polygon(self._units(corners).tolist()))
        return path

    def _units(self, pixels: np.ndarray) -> np.ndarray:
        return (pixels - (self.size[0] / 2, RASTER - _MARGIN)) / self.scale

    def _edges(self, number: int, path: skia.Path) -> list[skia.Path]:
        """The stretches of a fill's border that can be seen and have no line."""
        inked = cv2.dilate(self.ink.astype(np.uint8), np.ones((2 * _NEAR + 1,) * 2, np.uint8)) > 0
        edges: list[skia.Path] = []
        measure = skia.PathMeasure(path, False, self.scale)
        while True:
            length = measure.getLength()
            count = int(length * self.scale / 1.5)
            if count >= 4:
                edges += self._bare_runs(number, measure, length, count, inked)
            if not measure.nextContour():
                return edges

    def _bare_runs(
        self, number: int, measure: skia.PathMeasure, length: float, count: int, inked: np.ndarray
    ) -> list[skia.Path]:
        spots = [measure.getPosTan(length * (i + 0.5) / count) for i in range(count)]
        at = np.array([(p.x(), p.y()) for p, _ in spots])
        along = np.array([(t.x(), t.y()) for _, t in spots])
        at = at * self.scale + (self.size[0] / 2, RASTER - _MARGIN)
        across = np.stack([-along[:, 1], along[:, 0]], 1) * 2.5
        left, right = self._look(self.fills, at - across), self._look(self.fills, at + across)
        bare = ((left == number + 1) ^ (right == number + 1)) & ~self._look(inked, at)
        colors = {value: self._color_of(value) if value else -1 for value in {*left.tolist(), *right.tolist()}}
        bare &= np.array([colors[a] != colors[b] for a, b in zip(left.tolist(), right.tolist(), strict=True)])
        flips = np.flatnonzero(np.diff(np.concatenate([[0], bare.view(np.int8), [0]])))
        runs = []
        for first, last in flips.reshape(-1, 2):
            if (last - first) * 1.5 >= _SHORTEST:
                run = skia.Path()
                measure.getSegment(length * first / count, length * last / count, run, True)
                runs.append(run)
        return runs

    def _look(self, raster: np.ndarray, at: np.ndarray) -> np.ndarray:
        columns, rows = np.floor(at).astype(int).T
        return raster[np.clip(rows, 0, self.size[1] - 1), np.clip(columns, 0, self.size[0] - 1)]


def _is_dark(color: Rgb) -> bool:
    return 0.3 * color[0] + 0.59 * color[1] + 0.11 * color[2] < _DARK


def _is_line(part: Part) -> bool:
    """Whether the part's stroke is drawn line, not a band of color."""
    return part.stroke is not None and part.width < 3 * _THIN and (_is_dark(part.stroke) or part.width < 0.008)


def _stroke(width: float) -> skia.Paint:
    return skia.Paint(
        Style=skia.Paint.kStroke_Style,
        StrokeWidth=width,
        StrokeCap=skia.Paint.kRound_Cap,
        StrokeJoin=skia.Paint.kRound_Join,
    )
