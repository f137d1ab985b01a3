# SPDX-License-Identifier: GPL-3.0-or-later
"""The clothes of a two-legged figure. Units as in `humanoid`."""

from __future__ import annotations

import math
from random import Random

import skia

from server.training.cartoon.motion import Pose
from server.training.cartoon.palette import Palette
from server.training.cartoon.render import Group, Mark
from server.training.cartoon.shapes import Point, blob, box, ellipse, hatching, loft, place, polygon, smooth, star
from server.training.cartoon.turntable import Turntable

_ON_FRONT = ("buttons", "pocket", "emblem", "apron", "collar", "tie", "zip", "straps")
_ALL_ROUND = ("stripes", "belt", "split", "hem", "folds", "dots", "hatch", "checks", "zigzag", "creases")


class Clothes:
    """Colors, the trunk's shape and its details.

    Args:
        wide, hips: half widths of shoulders and hips; `torso` and `leg` are lengths.
    """

    def __init__(
        self,
        rng: Random,
        palette: Palette,
        skin: int,
        wide: float,
        hips: float,
        torso: float,
        leg: float,
        robot: bool,
    ) -> None:
        self.wide, self.torso = wide, torso
        self.shirt = palette.cloth((skin,))
        self.trousers = palette.cloth((self.shirt, skin))
        self.shoes = palette.cloth((self.trousers,))
        self.black_shoes = palette.name(self.shoes) == "black" and rng.random() < 0.6  # inked solid
        self.black_trousers = palette.name(self.trousers) == "black" and rng.random() < 0.4
        self.sole = palette.maybe(0.3, (self.shoes,))
        self.hands = palette.cloth((self.shirt,)) if rng.random() < 0.15 else skin
        self.extra = palette.cloth((self.shirt,))
        self.sock = palette.maybe(0.3, (skin, self.shoes))
        self.sock_high = rng.uniform(0.2, 0.9)
        self.cuffs = palette.maybe(0.2, (self.shirt,))
        self.shade = palette.shade(self.shirt, 0.7) if palette.shaded else None
        self.top = rng.choice(("shirt", "coat", "dress", "jumper"))
        self.sleeve = rng.choice((0.0, 0.5, 1.0, 1.0, 1.0))
        self.trouser = rng.choice((0.0, 0.45, 1.0, 1.0, 1.0))
        self.seamless = rng.random() < 0.45
        self.flare = rng.uniform(0.9, 1.5)
        self.skirt = {"dress": rng.uniform(0.25, 0.8), "coat": rng.uniform(0.1, 0.5)}.get(self.top, 0.0) * leg
        waist = min(wide, hips) * rng.uniform(0.7, 1.1)
        profile = [(-torso * 1.02, wide * 0.45), (-torso * 0.93, wide * 0.95), (-torso * 0.4, waist), (0.0, hips)]
        if self.skirt:
            profile += [(self.skirt, hips + self.skirt * rng.uniform(0.1, 0.5)), (self.skirt + 0.001, hips * 0.9)]
        else:
            profile += [(torso * 0.08, hips * 0.6)]
        self.trunk = loft(profile, squareness=0.8 if robot else rng.uniform(0, 0.5))
        count = rng.choice((0, 1, 1, 2, 3))
        self.patterns = rng.sample(_ALL_ROUND, min(count, 1)) if rng.random() < 0.5 else []
        self.patterns += rng.sample(_ON_FRONT, count - len(self.patterns)) if count > len(self.patterns) else []
        self.emblem = rng.choice(
            (star(rng.randint(4, 7), wide * 0.4, wide * 0.18, rng.random() < 0.4), blob(rng, wide * 0.35, wide * 0.35))
        )
        self.stripes = rng.randint(2, 6)
        self.dots = [(rng.uniform(-1, 1), rng.uniform(0.0, 1.3)) for _ in range(rng.randint(3, 8))]
        self.cape = palette.maybe(0.12, (self.shirt,))
        self.pack = palette.maybe(0.12, (self.shirt,))
        self.scarf = palette.maybe(0.2, (self.shirt, skin))

    def details(self, view: Turntable, base: Point, wide: float) -> list[Mark]:
        """Return the clothes on the trunk, whose hips are at `base` and whose width is `wide` times the front's."""
        clip = place(self.trunk, *base, sx=wide)
        (x, y), w, t, cos = base, self.wide, self.torso, view.cos
        front = x + view.sin * w * 0.6
        marks: list[Mark] = []
        for pattern in self.patterns:
            if pattern in _ON_FRONT and cos < 0.15:
                continue
            if pattern == "stripes":
                gap = (t + self.skirt) / (2 * self.stripes)
                tops = [y - t + gap * (2 * i + 0.6) for i in range(self.stripes)]
                marks += [
                    Mark(box(x - 2 * w, top, x + 2 * w, top + gap), self.extra, line=0.7, clip=clip) for top in tops
                ]
            elif pattern == "belt":
                marks.append(Mark(box(x - 2 * w, y - t * 0.12, x + 2 * w, y + t * 0.06), self.extra, clip=clip))
            elif pattern == "split":
                marks.append(Mark(box(x - 2 * w, y - t * 0.45, x + 2 * w, y + t * 2), self.extra, clip=clip))
            elif pattern == "hem":
                low = y + self.skirt - t * 0.12
                marks.append(Mark(box(x - 3 * w, low, x + 3 * w, low + t), self.extra, clip=clip))
            elif pattern == "folds":
                for side in (-1, 0.4, 1.2):
                    fold = [(x + side * w * 0.5, y - t * 0.1), (x + side * w * 0.6, y + max(self.skirt, t * 0.1))]
                    marks.append(Mark(smooth(fold, False), None, line=0.8, clip=clip))
            elif pattern == "hatch":
                side = x - 0.3 * w * (1 + view.sin)
                shadow = skia.Rect.MakeLTRB(x - 2 * w, y - t, side, y + self.skirt + t * 0.1)
                marks.append(Mark(hatching(shadow, w * 0.22), None, line=0.5, clip=clip))
            elif pattern == "checks":
                s = w * 0.45
                cells = [(i, j) for i in range(-4, 4) for j in range(8) if (i + j) % 2]
                tiles = skia.Path()
                for i, j in cells:
                    tiles.addRect(skia.Rect.MakeXYWH(x + i * s, y - t + j * s, s, s))
                marks.append(Mark(tiles, self.extra, line=0.6, clip=clip))
            elif pattern == "zigzag":
                top = y - t * 0.5
                edge = [(x + w * (0.4 * i - 2), top + (t * 0.12 if i % 2 else 0)) for i in range(11)]
                band = edge + [(px, py + t * 0.2) for px, py in reversed(edge)]
                marks.append(Mark(polygon(band), self.extra, line=0.8, clip=clip))
            elif pattern == "creases":
                for at, reach in self.dots:
                    end = (x + (at * 0.4 + 0.2) * w, y - t + reach * t + w * 0.15)
                    crease = [(x + at * w, y - t + reach * t), (x + at * 0.7 * w, y - t + reach * t + w * 0.2), end]
                    marks.append(Mark(smooth(crease, False), None, line=0.7, clip=clip))
            elif pattern == "dots":
                r = w * 0.16
                spots = [(x + dx * w, y - t * 0.95 + dy * t) for dx, dy in self.dots]
                marks += [Mark(ellipse(*spot, r, r), self.extra, line=0.7, clip=clip) for spot in spots]
            elif pattern == "buttons":
                r = w * 0.13
                marks += [Mark(ellipse(front, y - t * k, r * cos, r), self.extra, line=0.7) for k in (0.75, 0.5, 0.25)]
            elif pattern == "pocket":
                for side in (-0.6, 0.6):
                    at = front + side * w * cos
                    pocket = box(at - w * 0.3 * cos, y - t * 0.25, at + w * 0.3 * cos, y - t * 0.02)
                    marks.append(Mark(pocket, self.extra, clip=clip))
            elif pattern == "emblem":
                marks.append(Mark(place(self.emblem, front, y - t * 0.6, sx=cos), self.extra, clip=clip))
            elif pattern == "apron":
                marks.append(Mark(place(self.trunk, front, y, sx=0.6 * cos, sy=0.75), self.extra, clip=clip))
            elif pattern == "collar":
                for side in (-1, 1):
                    flap = [(0, -0.7), (0.5 * side, -1.05), (0.65 * side, -0.8)]
                    shape = polygon([(front + dx * w * cos, y + dy * t) for dx, dy in flap])
                    marks.append(Mark(shape, self.extra))
            elif pattern == "tie":
                tie = [(-0.1, -0.95), (0.1, -0.95), (0.2, -0.4), (0, -0.25), (-0.2, -0.4)]
                marks.append(Mark(polygon([(front + dx * w * cos, y + dy * t) for dx, dy in tie]), self.extra))
            elif pattern == "zip":
                marks.append(Mark(smooth([(front, y - t), (front, y + self.skirt + t)], False), None, clip=clip))
            else:  # straps
                for side in (-0.5, 0.5):
                    at = front + side * w * cos
                    marks.append(Mark(box(at - w * 0.1, y - t * 1.1, at + w * 0.1, y + t * 0.1), self.extra, clip=clip))
        return marks

    def wraps(self, view: Turntable, base: Point, wide: float, pose: Pose) -> list[tuple[float, Group]]:
        """Return cape, backpack and scarf, with the nearness of each to the viewer."""
        (x, y), w, t = base, self.wide, self.torso
        layers: list[tuple[float, Group]] = []
        if self.cape is not None:
            flap = 0.08 * math.sin(pose.clock * 0.9) + pose.sway - 0.2 * pose.gait * math.copysign(1, view.sin)
            path = place(self.trunk, x - w * 0.5 * view.sin, y, -flap, 1.25 * wide, 1.1)
            layers.append((-1.2 * w * math.copysign(1, view.cos + 0.2), [Mark(path, self.cape)]))
        if self.pack is not None:
            at = x - w * 1.1 * view.sin
            path = box(at - w * 0.7, y - t * 0.9, at + w * 0.7, y - t * 0.1, w * 0.3)
            layers.append((view.near((0, 0, -w)), [Mark(path, self.pack)]))
        if self.scarf is not None:
            end = place(box(-w * 0.15, 0, w * 0.15, t * 0.58), x + w * 0.35, y - t * 0.98, -pose.sway)
            knot = ellipse(x, y - t * 0.98, w * 0.7, w * 0.32)
            layers.append(
                (0.02, [Mark(end, self.scarf), Mark(knot, self.scarf)] if view.cos > 0 else [Mark(knot, self.scarf)])
            )
        return layers
