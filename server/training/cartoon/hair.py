# SPDX-License-Identifier: GPL-3.0-or-later
"""Haircuts, seen from any side."""

from __future__ import annotations

import math
from random import Random

from server.training.cartoon.faces import Face
from server.training.cartoon.palette import Palette
from server.training.cartoon.render import Mark
from server.training.cartoon.shapes import blob, ellipse, loft, place, smooth, star


class Hair:
    """The hair of a head `r` in radius and `wide` in half width; its chin is at the point given."""

    def __init__(self, rng: Random, palette: Palette, fill: int, r: float, wide: float) -> None:
        self.fill, self.r, self.wide = fill, r, wide
        self.shade = palette.shade(fill, 0.7) if palette.shaded else None
        w = wide
        self.style = rng.choice(("short", "bob", "long", "spiky", "tail", "braids", "buns", "curly"))
        fringe = -r * rng.uniform(1.2, 1.6)
        teeth = rng.randint(2, 6)
        front = [(-w * 1.06, -r * rng.uniform(0.6, 1.1)), (-w * 1.1, -r * 1.4), (-w * 0.7, -r * 2.02), (0, -r * 2.2)]
        front += [(w * 0.7, -r * 2.02), (w * 1.1, -r * 1.4), (w * 1.06, -r * rng.uniform(0.6, 1.1))]
        for i in range(teeth * 2 - 1):
            t = (i + 1) / (teeth * 2)
            front.append((w * (1 - 2 * t) * 0.95, fringe - (r * rng.uniform(0.1, 0.35) if i % 2 == 0 else 0)))
        self.front = smooth(front, tension=rng.choice((0.3, 0.8)))
        if self.style == "spiky":
            self.back = place(star(rng.randint(7, 12), r * 1.6, r * 1.0, False, rng.random()), 0, -r * 1.2)
        elif self.style == "curly":
            self.back = place(star(rng.randint(7, 11), r * 1.5, r * 1.2, True), 0, -r * 1.15)
        elif self.style in ("bob", "long"):
            down = r * (rng.uniform(-0.2, 0.4) if self.style == "bob" else rng.uniform(0.8, 2.2))
            self.back = loft([(-2.15 * r, w * 0.5), (-1.5 * r, w * 1.2), (-0.3 * r, w * 1.25), (down, w * 1.1)], 0.8)
        else:
            self.back = loft([(-2.15 * r, w * 0.5), (-1.5 * r, w * 1.1), (-0.6 * r, w * 1.05), (-0.35 * r, w * 0.7)])
        self.tail = loft([(-r * 0.2, r * 0.15), (r * 0.5, r * 0.4), (r * 1.5, r * 0.35), (r * 1.9, r * 0.05)])
        self.strands = []
        for _ in range(rng.choice((0, 0, 2, 4))):
            at = rng.uniform(-0.8, 0.8) * w
            self.strands.append(smooth([(at * 0.6, -r * 1.95), (at * 0.95, -r * 1.7), (at * 1.1, -r * 1.3)], False))
        self.solid = palette.name(fill) == "black" and rng.random() < 0.5
        self.locks = []  # pointed, each with its own outline
        for i in range(rng.choice((0, 0, 3, 5, 7))):
            t = (i + rng.uniform(0.2, 0.8)) / 4 - 1
            tip = (t * w * 1.15 + rng.uniform(-0.2, 0.2) * w, -r * rng.uniform(0.7, 1.3))
            half = w * rng.uniform(0.12, 0.3)
            points = [(t * w * 0.6 - half, -r * 2.05), (t * w - half, -r * 1.5), tip, (t * w + half, -r * 1.6)]
            self.locks.append(smooth([*points, (t * w * 0.6 + half, -r * 2.05)], tension=0.7))
        self.braid = [(rng.uniform(0.9, 1.1) * r * 0.3, r * (0.45 * i)) for i in range(rng.randint(3, 6))]
        self.bun = blob(rng, r * 0.45, r * 0.45, 0.06)

    def behind(self, x: float, y: float, face: Face) -> list[Mark]:
        """The hair at the back of the head, from the farthest to the nearest seen from the front."""
        back = x - 0.3 * self.wide * face.sin
        marks = []
        if self.style == "tail":
            tail_x = x - self.wide * 1.1 * face.sin
            turn = 0.5 * face.sin - face.sway * 1.5
            marks.append(Mark(place(self.tail, tail_x, y - self.r * 1.3, turn), self.fill, solid=self.solid))
        elif self.style == "braids":
            for side in (-1, 1):
                root = x + side * self.wide * 0.9 * face.cos - self.wide * 0.5 * face.sin, y - self.r * 0.7
                turn = math.tan(face.sway) * 0.8
                for radius, down in self.braid:
                    spot = (root[0] + down * turn + side * down * 0.1, root[1] + down)
                    marks.append(Mark(ellipse(*spot, radius, radius * 0.9), self.fill, solid=self.solid))
        elif self.style == "buns":
            for side in (-1, 1):
                bun_x = x + side * self.wide * 0.9 * face.cos - self.wide * 0.4 * face.sin
                marks.append(Mark(place(self.bun, bun_x, y - self.r * 2.0), self.fill))
        swing = -0.25 * face.sway if self.style == "long" else 0.0
        marks.append(Mark(place(self.back, back, y, swing), self.fill, solid=self.solid))
        return marks

    def before(self, x: float, y: float, face: Face) -> list[Mark]:
        """The fringe, with some strands."""
        wrap = 0.2 * self.wide * face.sin
        front = place(self.front, x - wrap * 0.3, y, sx=1 - 0.12 * abs(face.sin))
        strands = [place(strand, x + wrap, y) for strand in self.strands]
        locks = [place(lock, x + wrap, y, -0.2 * face.sway) for lock in self.locks]
        return [
            Mark(front, self.fill, shade=self.shade, solid=self.solid),
            *(Mark(lock, self.fill, line=0.8, solid=self.solid) for lock in locks),
            *(Mark(path, None, line=0.7, clip=front) for path in strands),
        ]
