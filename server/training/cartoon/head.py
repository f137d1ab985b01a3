# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads with their faces, ears, hair and hats."""

from __future__ import annotations

import math
from random import Random

import skia

from server.training.cartoon.faces import Face, Features
from server.training.cartoon.hair import Hair
from server.training.cartoon.palette import Palette
from server.training.cartoon.render import Group, Mark
from server.training.cartoon.shapes import box, ellipse, loft, place, polygon, smooth


class Head:
    """A head `size` high whose chin is at the point given to `behind` and `before`."""

    def __init__(self, rng: Random, palette: Palette, skin: int, size: float, robot: bool = False) -> None:
        self.skin = skin
        self.r = r = size / 2
        self.wide = wide = r * rng.uniform(0.75, 1.15)
        chin = wide * rng.uniform(0.4, 0.95)
        profile = [(-2 * r, wide * 0.35), (-1.75 * r, wide * 0.8), (-r, wide), (-0.35 * r, chin), (0.0, chin * 0.4)]
        self.shape = loft(profile, squareness=0.9 if robot else rng.choice((0.0, 0.0, 0.3)))
        self.hair_fill = palette.hair()
        self.hair = Hair(rng, palette, self.hair_fill, r, wide) if not robot and rng.random() < 0.92 else None
        self.features = Features(rng, palette, skin, self.hair_fill, r, wide)
        self.bump: skia.Path | None = None
        if not robot and rng.random() < 0.6:  # a nose that is visible in profile
            self.bump = smooth([(-0.3, -0.5), (0.1, -0.25), (0.4, 0.05), (0.15, 0.2), (-0.3, 0.35)])
        self.ears = rng.choice(("none", "round", "cat", "long")) if rng.random() < 0.6 else "round"
        self.long_ear = ellipse(0, -0.6, 0.22, 0.7)
        self.ear_fill = skin if rng.random() < 0.8 else palette.cloth((skin,))
        self.antenna = palette.maybe(0.7 if robot else 0.0)
        self.hat = rng.choice(("cap", "cone", "top", "beanie", "crown", "bow")) if rng.random() < 0.35 else None
        self.hat_fill = palette.cloth((self.hair_fill, skin)) if self.hat else skin
        self.band = palette.maybe(0.5 if self.hat else 0.0, (self.hat_fill,))

    def behind(self, x: float, y: float, face: Face) -> list[Group]:
        """The parts that hang behind the body when the head faces the viewer; none when it faces away."""
        if self.hair is None or face.cos < -0.2:
            return []
        return [[mark] for mark in self.hair.behind(x, y, face)]

    def before(self, x: float, y: float, face: Face) -> list[Group]:
        """The head itself, from back to front."""
        shift = 0.12 * self.wide * face.sin
        groups = [[ear] for ear in self._ears(x, y, face)]
        shape = place(self.shape, x + shift, y)
        groups.append([Mark(shape, self.skin)])
        if self.bump is not None and abs(face.sin) > 0.6 and face.cos > -0.2:  # the nose joins the face
            way = math.copysign(1.0, face.sin)
            bump = place(self.bump, x + shift + way * self.wide * 0.85, y - self.r * 0.7, 0, way * self.r, self.r)
            groups[-1].append(Mark(bump, self.skin))
        if face.cos > -0.35:
            groups += [[mark] for mark in self.features.marks(x + shift, y, face, shape)]
        if self.hair is not None:
            hair = self.hair.behind if face.cos < -0.2 else self.hair.before
            groups += [[mark] for mark in hair(x, y, face)]
        if self.antenna is not None:
            r = self.r
            groups.append([Mark(box(x - r * 0.05, y - r * 2.6, x + r * 0.05, y - r * 1.95), self.skin)])
            groups.append([Mark(ellipse(x, y - r * 2.65, r * 0.18, r * 0.18), self.antenna)])
        if self.hat is not None:
            groups += [[mark] for mark in self._hat(x, y, face)]
        return groups

    def _ears(self, x: float, y: float, face: Face) -> list[Mark]:
        marks = []
        for side in (-1, 1):
            ex, near = side * self.wide * face.cos, -side * face.sin
            if self.ears == "round" and near > -0.3:
                marks.append(Mark(ellipse(x + ex, y - self.r * 0.9, self.r * 0.2, self.r * 0.28), self.ear_fill))
            elif self.ears == "cat":
                ear = [(-0.3, 0.0), (0.1 * side, -0.75), (0.3, 0.0)]
                marks.append(
                    Mark(
                        place(polygon(ear), x + ex * 0.65, y - self.r * 1.65, 0.25 * side, self.r, self.r),
                        self.ear_fill,
                    )
                )
            elif self.ears == "long":
                ear_path = place(
                    ellipse(0, -0.6, 0.22, 0.7), x + ex * 0.5, y - self.r * 1.7, 0.2 * side - face.sway, self.r, self.r
                )
                marks.append(Mark(ear_path, self.ear_fill))
        return marks

    def _hat(self, x: float, y: float, face: Face) -> list[Mark]:
        r, w, top = self.r, self.wide * 1.12, y - self.r * 1.6
        marks = []
        if self.hat == "cap":
            marks.append(Mark(place(loft([(-0.75, 0.4), (-0.5, 0.85), (0.0, 1.0)]), x, top, 0, w, r), self.hat_fill))
            marks.append(
                Mark(ellipse(x + w * face.sin * 0.9, top, w * (0.5 + 0.4 * abs(face.sin)), r * 0.14), self.hat_fill)
            )
        elif self.hat == "cone":
            marks.append(
                Mark(polygon([(x - w, top), (x + w, top), (x - w * 0.2 * face.sin, top - r * 1.6)]), self.hat_fill)
            )
        elif self.hat == "top":
            marks.append(Mark(box(x - w * 0.7, top - r * 1.1, x + w * 0.7, top), self.hat_fill))
            marks.append(Mark(box(x - w * 1.3, top - r * 0.08, x + w * 1.3, top + r * 0.1, r * 0.05), self.hat_fill))
        elif self.hat == "beanie":
            marks.append(Mark(place(loft([(-0.85, 0.5), (-0.5, 0.9), (0.1, 1.0)]), x, top, 0, w, r), self.hat_fill))
            marks.append(
                Mark(ellipse(x, top - r * 0.9, r * 0.25, r * 0.25), self.hat_fill if self.band is None else self.band)
            )
        elif self.hat == "crown":
            points = [(-0.7, 0.0), (-0.8, -0.7), (-0.4, -0.35), (0.0, -0.8), (0.4, -0.35), (0.8, -0.7), (0.7, 0.0)]
            marks.append(Mark(place(polygon(points), x, top, 0, w, r), self.hat_fill))
        else:
            for side in (-1, 1):
                bow = polygon([(0, 0), (0.6 * side, -0.35), (0.6 * side, 0.35)])
                marks.append(Mark(place(bow, x + w * 0.4 * face.cos, y - r * 1.9, 0.2, r, r), self.hat_fill))
            return marks
        if self.band is not None and self.hat in ("cap", "top", "beanie", "cone"):
            clip = marks[0].path
            marks.insert(1, Mark(box(x - w * 2, top - r * 0.3, x + w * 2, top - r * 0.08), self.band, clip=clip))
        return marks
