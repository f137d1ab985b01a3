# SPDX-License-Identifier: GPL-3.0-or-later
"""The marks of a picture: silhouettes, fills, ink and lines, with lines added along borders that have none."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import skia

from server.training.cartoon.shapes import polygon
from server.training.sources.drawing import BODY, EDGE, FILL, INK, LINE
from server.training.sources.raster import RasterLayer, stroke_paint
from server.training.sources.raster_picture import MARGIN, RASTER, RasterPicture, is_line
from server.training.sources.svg import Part

_NEAR = 4
"""The distance in pixels within which a border already has a line."""
_SHORTEST = 7
"""The length in pixels below which a border gets no line."""
_USUAL_LINE = 0.02
"""The line width in heights of the figure, for pictures without lines of their own."""

Mark = tuple[int, int, float, skia.Path]
"""Kind, index of the color, relative width, path."""


class PictureMarks:
    """Finds the marks of one picture."""

    def __init__(self, picture: RasterPicture) -> None:
        self.picture = picture

    def marks(self) -> list[Mark]:
        """All marks from back to front."""
        lines = [part.width for part in self.picture.parts if is_line(part)]
        usual = float(np.median(lines)) if lines else _USUAL_LINE
        marks: list[Mark] = [(BODY, 0, 0.0, self._outline(self.picture.silhouette))]
        marks += self._slivers()
        for number, part in enumerate(self.picture.parts):
            if part.fill is not None and self.picture.is_ink[number]:
                marks.append((INK, self._around(part), 0.0, part.path))
            elif part.fill is not None:
                marks.append((FILL, self.picture.color(part.fill), 0.0, part.path))
                marks += [(EDGE, 0, 1.0, edge) for edge in self._edges(number, part.path)]
            if part.stroke is None:
                continue
            if is_line(part):
                marks.append((LINE, 0, min(2.0, max(0.4, part.width / usual)), part.path))
                continue
            band = skia.Path()
            stroke_paint(part.width).getFillPath(part.path, band)
            marks.append((FILL, self.picture.color(part.stroke), 0.0, band))
            marks += [(EDGE, 0, 1.0, edge) for edge in self._edges(number, band)]
        return marks

    def astray(self, marks: Sequence[Mark]) -> float:
        """Return the share of the fills' borders that are not near the middle of any line."""
        lines, thin = RasterLayer(self.picture.size, self.picture.matrix), 3 / self.picture.scale
        for kind, _, _, path in marks:
            if kind == INK:
                lines.fill(path, 255)
            elif kind in (LINE, EDGE):
                lines.stroke(path, thin, 255)
        near = cv2.dilate(lines.pixels, np.ones((2 * _NEAR + 1,) * 2, np.uint8)) > 0
        colors = np.array([0] + [self.picture.color_of(number + 1) + 1 for number in range(len(self.picture.parts))])
        colors = colors[np.where(self.picture.silhouette, self.picture.nearest, self.picture.fills)]
        borders = np.zeros(near.shape, bool)
        borders[:, 1:] |= colors[:, 1:] != colors[:, :-1]
        borders[1:] |= colors[1:] != colors[:-1]
        return float((borders & ~near).sum() / max(1, borders.sum()))

    def _slivers(self) -> list[Mark]:
        """Return fills under lines, where the artist's fill ends before the line does."""
        slivers = (self.picture.fills == 0) & (self.picture.nearest > 0) & self.picture.silhouette
        marks: list[Mark] = []
        colors = {number: self.picture.color_of(number) for number in np.unique(self.picture.nearest[slivers]).tolist()}
        for color in sorted(set(colors.values())):
            here = slivers & np.isin(self.picture.nearest, [number for number, own in colors.items() if own == color])
            wide = cv2.dilate(here.astype(np.uint8), np.ones((3, 3), np.uint8))
            marks.append((FILL, color, 0.0, self._outline((wide > 0) & self.picture.silhouette)))
        return [mark for mark in marks if not mark[3].isEmpty()]

    def _around(self, part: Part) -> int:
        """Return the color of the fill that has the ink in it or around it."""
        numbers = self.picture.nearest[(self.picture.alone(part) > 0) & self.picture.ink]
        numbers = numbers[numbers > 0]
        return self.picture.color_of(int(np.bincount(numbers).argmax())) if len(numbers) else 0

    def _outline(self, mask: np.ndarray) -> skia.Path:
        """Return the outlines of a mask, including those of holes, in the figure's units."""
        contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        path = skia.Path()
        path.setFillType(skia.PathFillType.kEvenOdd)
        for contour in contours:
            corners = cv2.approxPolyDP(contour, 0.8, True)[:, 0] + 0.5
            if len(corners) > 2 and cv2.contourArea(contour) > 12:
                path.addPath(polygon(self.picture.units(corners).tolist()))
        return path

    def _edges(self, number: int, path: skia.Path) -> list[skia.Path]:
        """Return the visible stretches of a fill's border that have no line."""
        inked = cv2.dilate(self.picture.ink.astype(np.uint8), np.ones((2 * _NEAR + 1,) * 2, np.uint8)) > 0
        edges: list[skia.Path] = []
        measure = skia.PathMeasure(path, False, self.picture.scale)
        while True:
            length = measure.getLength()
            count = int(length * self.picture.scale / 1.5)
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
        at = at * self.picture.scale + (self.picture.size[0] / 2, RASTER - MARGIN)
        across = np.stack([-along[:, 1], along[:, 0]], 1) * 2.5
        left, right = self._look(self.picture.fills, at - across), self._look(self.picture.fills, at + across)
        bare = ((left == number + 1) ^ (right == number + 1)) & ~self._look(inked, at)
        colors = {value: self.picture.color_of(value) if value else -1 for value in {*left.tolist(), *right.tolist()}}
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
        return raster[np.clip(rows, 0, self.picture.size[1] - 1), np.clip(columns, 0, self.picture.size[0] - 1)]
