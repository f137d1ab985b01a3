# SPDX-License-Identifier: GPL-3.0-or-later
"""Eyes, noses and mouths on a head that turns."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from random import Random

import skia

from server.training.cartoon.motion import Pose
from server.training.cartoon.palette import Palette
from server.training.cartoon.render import Mark
from server.training.cartoon.shapes import ellipse, loft, place, polygon, smooth


@dataclass(frozen=True, slots=True)
class Face:
    """The state of a head in one drawing: cosine and sine of its yaw, mouth and lids 0..1, gaze -1..1. Hair sways by
    `sway` radians."""

    cos: float
    sin: float
    mouth: float
    lids: float
    gaze: float
    sway: float

    @classmethod
    def of(cls, pose: Pose) -> Face:
        """Return the face of a body in `pose`. A head in profile still shows some of its front, as in cartoons."""
        yaw = (pose.yaw + math.pi) % (2 * math.pi) - math.pi
        side = abs(yaw)
        seen = 0.7 * side if side < 1.75 else math.pi - (math.pi - side) * (math.pi - 0.7 * 1.75) / (math.pi - 1.75)
        return cls(math.cos(seen), math.copysign(math.sin(seen), yaw), pose.mouth, pose.lids, pose.gaze, pose.sway)


class Features:
    """The features of a face on a head `r` in radius and `wide` in half width.

    They are placed from the chin up. A face `faces` the viewer while its cosine is above -0.35.
    """

    def __init__(self, rng: Random, palette: Palette, skin: int, hair: int, r: float, wide: float) -> None:
        self.r, self.wide = r, wide
        self.black = palette.add((20, 20, 24))
        self.eyes = rng.choice(("dot", "round", "round", "tall", "iris"))
        pale = self.eyes == "dot" or rng.random() < 0.75
        self.white = palette.add((255, 255, 255)) if pale else palette.cloth((skin,))
        self.iris = palette.cloth((self.white,)) if self.eyes == "iris" else self.black
        self.eye = r * rng.uniform(0.14, 0.3)
        self.apart = wide * rng.uniform(0.3, 0.5)
        self.level = -r * rng.uniform(0.8, 1.1)
        self.lip = palette.near((150, 40, 50))
        self.nose = rng.choice(("none", "line", "round", "beak"))
        self.nose_fill = palette.near((220, 120, 100)) if rng.random() < 0.4 else skin
        self.brows = rng.random() < 0.6
        self.cheeks = palette.near((250, 140, 140)) if rng.random() < 0.2 else None
        self.glasses = rng.random() < 0.1
        self.lashes, self.sparkle = rng.random() < 0.3, rng.random() < 0.3
        self.beard = hair if rng.random() < 0.12 else None

    def simplify(self) -> None:
        """Leave only dots for eyes and a mouth."""
        self.eyes, self.nose, self.brows, self.glasses, self.cheeks = "dot", "none", False, False, None
        self.lashes = False

    def marks(self, x: float, y: float, face: Face, shape: skia.Path) -> list[Mark]:
        """The features on a head of this `shape` with its chin at (x, y), from back to front."""
        marks = []
        for side in (-1, 1):
            dx, wide = self._spot(side * self.apart, face)
            if wide < 0.12:
                continue
            marks += self._eye(x + dx, y + self.level, wide, face)
            if self.cheeks is not None:
                cheek = ellipse(x + dx * 1.25, y - self.r * 0.55, self.eye * wide, self.eye * 0.7)
                marks.append(Mark(cheek, self.cheeks, line=0.6, clip=shape))
        dx, wide = self._spot(0.0, face)
        marks += self._mouth(x + dx, y, wide, face, shape)
        n = self.r * 0.16
        if self.nose == "line" and wide > 0.1:
            nose = smooth(
                [
                    (x + dx, y - self.r * 0.85),
                    (x + dx + n * (0.6 + face.sin), y - self.r * 0.62),
                    (x + dx, y - self.r * 0.58),
                ],
                False,
            )
            marks.append(Mark(nose, None))
        elif self.nose == "round":
            marks.append(Mark(ellipse(x + dx * 1.08, y - self.r * 0.7, n, n * 0.8), self.nose_fill))
        elif self.nose == "beak":
            tip = x + dx + n * 3 * face.sin
            beak = [(x + dx - n, y - self.r * 0.8), (x + dx + n, y - self.r * 0.8), (tip, y - self.r * 0.5)]
            marks.append(Mark(polygon(beak), self.nose_fill))
        return [replace(mark, inset=True) for mark in marks]

    def _spot(self, lateral: float, face: Face) -> tuple[float, float]:
        """Return where something `lateral` from the middle of the face is on the screen, and how wide it looks."""
        angle = math.asin(max(-0.95, min(0.95, lateral / self.wide)))
        sine = math.sin(angle) * face.cos + math.cos(angle) * face.sin
        cosine = math.cos(angle) * face.cos - math.sin(angle) * face.sin
        return self.wide * 0.95 * sine, cosine

    def _eye(self, x: float, y: float, wide: float, face: Face) -> list[Mark]:
        e = self.eye
        ry = e * (1.5 if self.eyes == "tall" else 1.0) * max(face.lids, 0.12)
        marks = []
        if self.eyes == "dot":
            marks.append(Mark(ellipse(x, y, e * 0.45 * wide, ry * 0.6), self.black, solid=True))
        else:
            white = ellipse(x, y, e * wide, ry)
            marks.append(Mark(white, self.white))
            px = x + e * wide * (0.35 * face.gaze + 0.25 * face.sin)
            if self.eyes == "iris":
                marks.append(Mark(ellipse(px, y, e * 0.65 * wide, ry * 0.75), self.iris, line=0.8, clip=white))
            marks.append(Mark(ellipse(px, y, e * 0.35 * wide, ry * 0.45), self.black, solid=True, line=0, clip=white))
            if self.sparkle:
                spark = ellipse(px - e * 0.25 * wide, y - ry * 0.35, e * 0.2 * wide, ry * 0.22)
                marks.append(Mark(spark, self.white, line=0, clip=white))
        if self.lashes:
            lash = smooth(
                [(x - e * wide * 1.2, y - ry * 0.5), (x, y - ry * 1.05), (x + e * wide * 1.2, y - ry * 0.5)], False
            )
            marks.append(Mark(lash, None, line=2.2))
        if self.glasses:
            marks.append(Mark(ellipse(x, y, e * 1.4 * wide, e * 1.5), None))
        if self.brows:
            brow = smooth([(x - e * wide, y - e * 1.5), (x, y - e * 2.0), (x + e * wide, y - e * 1.6)], False)
            marks.append(Mark(brow, None, line=1.3))
        return marks

    def _mouth(self, x: float, y: float, wide: float, face: Face, clip: skia.Path) -> list[Mark]:
        if wide < 0.1:
            return []
        if self.beard is not None:
            beard = loft([(-0.1, 0.3), (0.0, 0.75), (0.25, 0.9), (0.6, 0.75), (1.0, 0.15)])
            hair = place(beard, x - self.wide * 0.2 * face.sin, y - self.r * 0.5, 0, self.wide, self.r * 0.7)
            half = self.r * 0.15 * wide
            smile = smooth([(x - half, y - self.r * 0.25), (x + half, y - self.r * 0.25)], False)
            return [Mark(hair, self.beard), Mark(smile, None)]
        w, top = self.r * 0.3 * wide, y - self.r * 0.38
        if face.mouth > 0.45:
            return [Mark(ellipse(x, top, w, self.r * 0.22 * face.mouth), self.lip, clip=clip)]
        return [Mark(smooth([(x - w, top - w * 0.2), (x, top + w * 0.3), (x + w, top - w * 0.2)], False), None)]
