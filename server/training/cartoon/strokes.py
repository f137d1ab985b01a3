# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines drawn by hand: an outline cut into strokes that swell, taper, stray and run past each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random

import skia

_STEP = 7.0  # pixels between the places at which a stroke's width is chosen


@dataclass(frozen=True, slots=True)
class Hand:
    """The way in which an artist's hand draws lines. Lengths are in pixels of the raster.

    Attributes:
        length: mean length of a stroke.
        taper: how much a stroke thins out toward its ends, 0..1.
        pressure: how much the width of strokes varies, 0..1.
        stray: how far a stroke may be from its outline.
        overshoot: how far a stroke runs past its ends; below 0, every third stroke stops short and leaves gaps.
        repeats: how often every outline is drawn over.
    """

    length: float
    taper: float = 0.0
    pressure: float = 0.0
    stray: float = 0.0
    overshoot: float = 0.0
    repeats: int = 1

    def scaled(self, factor: float) -> Hand:
        """Return the same hand for something smaller. It is more careful, and its strokes are shortened less."""
        return replace(
            self, length=self.length * factor**0.4, stray=self.stray * factor, overshoot=self.overshoot * factor
        )

    def strokes(self, path: skia.Path, width: float, scale: float, rng: Random) -> skia.Path:
        """Return the strokes along `path` as one path to fill. `width` is in the path's units of `scale` pixels."""
        drawn = skia.Path()
        measure = skia.PathMeasure(path, False, scale)
        while True:
            whole = measure.getLength()
            for _ in range(self.repeats if whole else 0):
                for start, end in self._cuts(whole, scale, rng):
                    self._stroke(drawn, measure, start, end, width, scale, rng)
            if not measure.nextContour():
                return drawn

    def _cuts(self, whole: float, scale: float, rng: Random) -> Iterator[tuple[float, float]]:
        count = max(1, round(whole * scale / self.length * rng.uniform(0.7, 1.4)))
        cuts = [0.0, *sorted((i + rng.uniform(-0.3, 0.3)) / count for i in range(1, count)), 1.0]
        return ((a * whole, b * whole) for a, b in pairwise(cuts))

    def _stroke(
        self,
        drawn: skia.Path,
        measure: skia.PathMeasure,
        start: float,
        end: float,
        width: float,
        scale: float,
        rng: Random,
    ) -> None:
        past = self.overshoot * rng.uniform(0.2, 1.0) / scale
        if past < 0 and rng.random() > 0.33:
            past = 0.0
        if past < 0:
            start, end = start - past, end + past
        if end <= start:
            return
        count = min(16, max(3, round((end - start) * scale / _STEP)))
        half = width / 2 * (1 + self.pressure * rng.uniform(-0.7, 0.5))
        stray, drift = (self.stray / scale * rng.uniform(-1, 1) for _ in range(2))
        left: list[tuple[float, float]] = []
        right: list[tuple[float, float]] = []
        taper = self.taper
        for i in range(count + 1):
            t = i / count
            spot, ahead = measure.getPosTan(start + (end - start) * t)
            x, y, dx, dy = spot.fX, spot.fY, ahead.fX, ahead.fY
            if past > 0 and i in (0, count):
                x, y = x + dx * past * (2 * t - 1), y + dy * past * (2 * t - 1)
            beside = stray + drift * t
            swell = half * (1 - taper * (2 * t - 1) ** 4) if taper else half
            outer, inner = beside + swell, beside - swell
            left.append((x - dy * outer, y + dx * outer))
            right.append((x - dy * inner, y + dx * inner))
        drawn.moveTo(*left[0])
        for x, y in left[1:] + right[::-1]:  # much faster than a polygon of skia.Point
            drawn.lineTo(x, y)
        drawn.close()
