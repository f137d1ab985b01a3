# SPDX-License-Identifier: GPL-3.0-or-later
"""Clothes, painted on a body in clean zones. Places are those of the mean body, in decimeters."""

from __future__ import annotations

from random import Random

import numpy as np

from server.training.cartoon.palette import Palette
from server.training.toons.paints import Paints

_SOLE = -8.0
_SEAM = 0.28
"""How far along an arm a sleeve of another color begins."""


class Clothes:
    """The clothes of one figure: on the trunk and limbs, the hands, and a skirt.

    skirt: the part of the skirt, None without one. skirt_length: 0..1, of a leg.
    """

    def __init__(self, rng: Random, palette: Palette, paints: Paints, skin: int, plain: bool, man: bool) -> None:
        bare = paints.fill(skin)

        def cloth(*unlike: int) -> int:
            return palette.cloth((bare, *unlike))

        self.skin = skin
        self._kind = kind = rng.choices(
            ("shirt", "coat", "suit", "dress", "bare"), (8, 2, 2, 2, 1) if man else (8, 2, 2, 4, 0)
        )[0]
        top = cloth()
        low = top if kind in ("suit", "dress") else cloth(top)
        loose = rng.choice((0.03, rng.uniform(0.05, 0.3)))
        self.top = skin if kind == "bare" else paints.add(top, loose=loose)
        self.bottom = paints.add(low, loose=rng.choice((0.03, rng.uniform(0.05, 0.35))))
        self.skirt = None
        if kind == "dress" or (kind == "shirt" and rng.random() < 0.25):
            self.skirt = paints.add(top if kind == "dress" else low)
        self.skirt_length = rng.uniform(0.25, 0.95)
        self._waist = {"coat": rng.uniform(-2.5, 0.2)}.get(kind, rng.uniform(1.1, 2.4))
        self._sleeve = rng.choice((0.2, 0.45, 0.8, 1.6, 1.85, 1.85))
        self._hem = rng.choice((-0.9, -2.4, -4.2, -6.9, -6.9, -6.9))
        if self.skirt is not None:
            self._hem, self._waist = rng.choice((-0.6, -0.6, -6.9)), 1.8
        self._neck = rng.choice((5.65, 5.5, 5.2)), rng.choice((0.0, 0.0, rng.uniform(0.5, 1.6)))
        shoe = cloth()
        self._shoe = paints.add(shoe, loose=rng.uniform(0.06, 0.25))
        self._shoe_top = rng.choice((-7.45, -7.45, -6.9, rng.uniform(-6.5, -4.5)))
        self._sole = paints.add(palette.cloth((shoe,)), 0.8, loose=0.2) if rng.random() < 0.3 else None
        self._sock = paints.add(palette.cloth((shoe, low)), loose=0.02) if rng.random() < 0.5 else None
        self._sock_top = self._shoe_top + rng.uniform(0.5, 3.0)
        self._arms = paints.add(cloth(top), loose=loose) if rng.random() < 0.2 else self.top
        self.glove = paints.add(cloth(top)) if rng.random() < 0.15 else skin
        belted = self.skirt is None and rng.random() < 0.35
        self._belt = paints.add(palette.cloth((top, low)), loose=loose + 0.03) if belted else None
        self._cuff = paints.add(palette.cloth((top,)), loose=loose + 0.02) if rng.random() < 0.2 else None
        self._braces = paints.add(low, loose=loose + 0.02) if kind == "shirt" and rng.random() < 0.12 else None
        self._stripes = None
        self._sign = None
        self._buttons = None
        if not plain and kind != "bare":
            if rng.random() < 0.25:
                other = paints.add(palette.cloth((top,)), loose=loose)
                self._stripes = other, rng.uniform(0.35, 1.2), rng.choice(("across", "down", "one"))
            if rng.random() < 0.25:
                self._sign = paints.add(palette.cloth((top,)), 0.8, loose=loose), rng.uniform(0.3, 0.6)
            elif rng.random() < 0.2:
                self._buttons = paints.add(palette.cloth((top,)), 0.7, loose=loose), rng.uniform(0.5, 0.9)

    def paint(self, spots: np.ndarray, reach: np.ndarray) -> np.ndarray:
        """Return the parts of places [P,3] on the trunk and limbs.

        reach: [P], how far along an arm: 0 at the shoulder, 1 at the elbow, 2 at the wrist, below 0 off the arm.
        """
        x, y, z = spots.T
        wide, arm = np.abs(x), reach > 0
        parts = np.full(len(spots), self.skin)
        leg = ~arm & (y < self._waist)
        parts[leg & (y > self._hem)] = self.bottom
        neck, depth = self._neck
        line = neck - np.where(z > -0.1, np.maximum(0, depth - 1.3 * wide), 0)
        body = ~arm & (y >= self._waist) & (y < line)
        sleeve = arm & (reach < self._sleeve)
        parts[body] = self.top
        parts[sleeve] = self.top
        if self._kind != "bare":
            parts[sleeve & (reach > _SEAM)] = self._arms
            self._decorate(parts, body, sleeve & (self._arms == self.top), x, y, z, reach)
            if self._cuff is not None and self._sleeve > 0.4:
                parts[sleeve & (reach > self._sleeve - 0.18)] = self._cuff
        if self._belt is not None and self._kind != "coat":
            parts[~arm & (np.abs(y - self._waist) < 0.17)] = self._belt
        shin = ~arm & (y < self._hem)
        if self._sock is not None:
            parts[shin & (y < self._sock_top)] = self._sock
        parts[~arm & (y < self._shoe_top)] = self._shoe
        if self._sole is not None:
            parts[y < _SOLE] = self._sole
        return parts

    def _decorate(
        self,
        parts: np.ndarray,
        body: np.ndarray,
        sleeve: np.ndarray,
        x: np.ndarray,
        y: np.ndarray,
        z: np.ndarray,
        reach: np.ndarray,
    ) -> None:
        if self._stripes is not None:
            part, step, way = self._stripes
            if way == "one":
                parts[body & (np.abs(y - 3.6) < 0.5 * step)] = part
            elif way == "down":
                parts[body & (np.floor(x / step + 0.5) % 2 == 1)] = part
            else:
                parts[body & (np.floor((y - self._waist) / step) % 2 == 1)] = part
                parts[sleeve & (np.floor(reach * 3 / step) % 2 == 1)] = part
        if self._braces is not None:
            parts[body & ((np.abs(np.abs(x) - 0.8) < 0.16) | ((z > 0) & (y < 3.9) & (np.abs(x) < 0.9)))] = self._braces
        if self._sign is not None:
            part, size = self._sign
            parts[body & (z > 0) & (np.hypot(x, y - 4.0) < size)] = part
        if self._buttons is not None:
            part, step = self._buttons
            down = (y - self._waist) / step
            parts[body & (z > 0) & (np.hypot(x, (down - np.floor(down) - 0.5) * step) < 0.13)] = part
