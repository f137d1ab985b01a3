# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands, and things to hold in them. The wrist or grip is at the origin, and the fingers point toward +y."""

from __future__ import annotations

from random import Random

import skia

from server.training.cartoon.palette import Palette
from server.training.cartoon.render import Group, Mark
from server.training.cartoon.shapes import blob, box, cuff, ellipse, line, loft, place, smooth, star

_PROPS = ("stick", "ball", "balloon", "bag", "flower", "sword", "book", "umbrella", "cup", "sign", "bucket")


def make_hand(rng: Random, plain: bool = False) -> skia.Path:
    """Return a hand for an arm of half width 1: a fist, a mitten with a thumb, or fingers. A `plain` one is a fist."""
    kind = "fist" if plain else rng.choice(("fist", "mitten", "fingers", "spread", "point"))
    if kind == "fist":
        return ellipse(0, 0.4, 1.15, 1.3)
    if kind == "mitten":
        points = [(-0.9, -0.3), (-1.1, 0.8), (-0.6, 2.0), (0.4, 2.1), (0.9, 1.2), (1.7, 1.3), (1.6, 0.7), (0.9, -0.3)]
        return smooth(points)
    if kind == "fingers":
        points = [(-0.8, -0.3), (-1.0, 0.9), (-1.0, 2.2), (-0.6, 2.2), (-0.4, 1.3), (-0.2, 2.6), (0.2, 2.6), (0.3, 1.3)]
        points += [(0.7, 2.2), (1.0, 2.1), (0.9, 0.9), (1.7, 1.2), (1.6, 0.7), (0.8, -0.3)]
        return smooth(points, tension=0.7)
    if kind == "spread":  # four fingers and a thumb
        points = [(-0.8, -0.3), (-1.2, 1.0), (-2.0, 2.2), (-1.6, 2.4), (-0.8, 1.5), (-0.8, 2.9), (-0.4, 2.9)]
        points += [(-0.25, 1.6), (0.1, 3.1), (0.5, 3.0), (0.4, 1.6), (1.0, 2.7), (1.35, 2.5), (0.9, 1.2)]
        points += [(2.0, 1.3), (2.0, 0.8), (0.8, -0.3)]
        return smooth(points, tension=0.6)
    return smooth([(-0.9, -0.3), (-1.1, 0.9), (-0.4, 2.3), (0.4, 2.3), (1.1, 0.9), (0.9, -0.3)], tension=0.5)


def make_prop(rng: Random, palette: Palette) -> Group:
    """Something for a figure 1 high."""
    color = palette.cloth()
    other = palette.cloth((color,))
    s = rng.uniform(0.6, 1.4)
    kind = rng.choice(_PROPS)
    if kind == "stick":
        return [Mark(cuff((0, -0.3 * s), (0, 0.3 * s), 0.02, 0.03), color)]
    if kind == "ball":
        ball = ellipse(0, 0.05, 0.08 * s, 0.08 * s)
        return [Mark(ball, color), Mark(box(-1, 0.03, 1, 0.07), other, clip=ball)]
    if kind == "balloon":
        balloon = Mark(ellipse(0.02, -0.4 * s, 0.09 * s, 0.11 * s), color)
        return [Mark(smooth([(0, 0), (0.03, -0.15 * s), (0.02, -0.3 * s)], False), None), balloon]
    if kind == "bag":
        body = Mark(loft([(0.06, 0.03), (0.1 * s, 0.08 * s), (0.22 * s, 0.09 * s)], squareness=0.6), color)
        return [Mark(ellipse(0, 0.05, 0.03, 0.06), None), body, Mark(box(-0.03, 0.11 * s, 0.03, 0.15 * s), other)]
    if kind == "flower":
        bloom = place(star(rng.randint(5, 8), 0.07 * s, 0.035 * s, True), 0, -0.2 * s)
        heart = ellipse(0, -0.2 * s, 0.025 * s, 0.025 * s)
        return [Mark(line((0, 0.08), (0, -0.2 * s)), None), Mark(bloom, color), Mark(heart, other)]
    if kind == "sword":
        blade = cuff((0, 0.05), (0, 0.4 * s), 0.03, 0.015)
        return [
            Mark(blade, color),
            Mark(box(-0.05, 0.03, 0.05, 0.05), other),
            Mark(box(-0.01, -0.05, 0.01, 0.03), other),
        ]
    if kind == "umbrella":
        top = place(star(8, 0.16 * s, 0.14 * s), 0, -0.35 * s, 0, 1.3, 0.6)
        return [Mark(line((0, 0.08), (0, -0.35 * s)), None), Mark(top, color)]
    if kind == "cup":
        return [Mark(ellipse(0.03, 0, 0.03, 0.03), None), Mark(cuff((0, -0.05), (0, 0.05), 0.09, 0.07), color)]
    if kind == "sign":
        return [
            Mark(box(-0.01, -0.3 * s, 0.01, 0.1), other),
            Mark(box(-0.15 * s, -0.5 * s, 0.15 * s, -0.28 * s), color),
        ]
    if kind == "bucket":
        pail = cuff((0, 0.08), (0, 0.22 * s), 0.16 * s, 0.11 * s)
        return [Mark(ellipse(0, 0.09, 0.06, 0.09), None), Mark(pail, color)]
    return [Mark(place(blob(rng, 0.08, 0.1, 0.05, 4), 0, 0.03), color)]
