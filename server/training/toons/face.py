# SPDX-License-Identifier: GPL-3.0-or-later
"""A toon's face, painted on a head: eyes, brows, mouth, cheeks, beard. Places are those of the mean body."""

from __future__ import annotations

from random import Random

import numpy as np

from server.training.cartoon.motion import Pose
from server.training.cartoon.palette import Palette
from server.training.toons.paints import Paints

_FRONT = 0.35
"""How far forward the front of the head begins."""


class Face:
    """The features of one face. A `plain` one has dots for eyes, and only a man's may have a beard."""

    def __init__(
        self, rng: Random, palette: Palette, paints: Paints, skin: int, hair: int, plain: bool, man: bool
    ) -> None:
        ink = palette.add((20, 20, 24))
        self.skin = skin
        self._ink = paints.add(ink, 0.6, solid=True)
        self._dots = plain or rng.random() < 0.2
        pale = palette.add((255, 255, 255)) if rng.random() < 0.8 else palette.cloth((paints.fill(skin),))
        self._white = paints.add(pale, 0.8)
        self._iris = paints.add(palette.cloth((pale,)), 0.5) if rng.random() < 0.6 else self._ink
        self._lid = skin if rng.random() < 0.7 else paints.add(palette.shade(paints.fill(skin), 0.85), 0.6)
        wide, high = rng.uniform(0.14, 0.26), rng.uniform(0.16, 0.36)
        self._eye = (0.06, 0.09) if self._dots else (wide, high)
        self._pupil = rng.uniform(0.45, 0.75) * min(wide, high)
        self._apart = max(rng.uniform(0.27, 0.38), self._eye[0] + 0.05)
        self._level = rng.uniform(7.15, 7.35)
        self._brow = None if rng.random() < 0.25 else (rng.uniform(0.035, 0.09), rng.uniform(-0.4, 0.4))
        self._brow_part = self._ink if rng.random() < 0.5 else paints.add(paints.fill(hair), 0.5)
        self._mouth = rng.uniform(0.12, 0.34)
        self._smile = rng.uniform(-0.4, 1.2)
        self._inside = paints.add(palette.near((150, 40, 50)), 0.7)
        self._cheeks = paints.add(palette.near((250, 140, 140)), 0.5) if rng.random() < 0.2 else None
        self._beard = rng.uniform(6.55, 6.75) if man and rng.random() < 0.2 else None
        self._hair = hair
        self._mask = paints.add(palette.cloth((paints.fill(skin),))) if not plain and rng.random() < 0.06 else None
        self._plain = plain

    def paint(self, spots: np.ndarray, pose: Pose) -> np.ndarray:
        """Return the parts of places [P,3] on the head."""
        x, y, z = spots.T
        parts = np.full(len(spots), self.skin)
        front = z > _FRONT
        if self._beard is not None:
            parts[(y < self._beard + 0.5 * np.abs(x)) & (y > 6.1) & (z > 0.0)] = self._hair
        aside, up = np.abs(x) - self._apart, y - self._level
        if self._cheeks is not None:
            parts[front & (np.hypot((aside - 0.08) / 1.3, up + 0.42) < 0.11)] = self._cheeks
        if self._mask is not None:
            parts[front & (np.abs(up) < 0.32)] = self._mask
        self._paint_mouth(parts, front, x, y, pose)
        wide, high = self._eye
        if pose.lids < 0.5 and not self._plain:
            parts[front & (np.abs(aside) < wide) & (np.abs(up + 0.06 - 0.8 * aside**2 / wide) < 0.035)] = self._ink
        else:
            eye = front & (np.hypot(aside / wide, up / high) < 1)
            parts[eye] = self._ink if self._dots else self._white
            if not self._dots:
                look = 0.45 * (wide - 0.5 * self._pupil) * pose.gaze * np.sign(x)
                off = np.hypot(aside - look, up)
                parts[eye & (off < self._pupil)] = self._iris
                parts[eye & (off < 0.55 * self._pupil)] = self._ink
                parts[eye & (up > (2 * min(pose.lids, 0.95) - 1) * high)] = self._lid
        if self._brow is not None and not self._plain:
            thick, slope = self._brow
            line = high + 0.14 + slope * 0.4 * aside - 1.2 * aside**2
            parts[front & (np.abs(up - line) < thick) & (np.abs(aside) < max(wide, 0.15) * 1.05)] = self._brow_part
        return parts

    def _paint_mouth(self, parts: np.ndarray, front: np.ndarray, x: np.ndarray, y: np.ndarray, pose: Pose) -> None:
        below = y - 6.66 - self._smile * x**2
        if pose.mouth > 0.45:
            drop = 0.1 + 0.2 * pose.mouth
            wide = self._mouth * (1.15 - 0.4 * pose.mouth)
            parts[front & (np.hypot(x / wide, (y - 6.66 + 0.4 * drop) / drop) < 1)] = self._inside
        else:
            parts[front & (np.abs(x) < self._mouth) & (np.abs(below) < 0.03)] = self._ink
