# SPDX-License-Identifier: GPL-3.0-or-later
"""Soft shading over flat fills: form shadows, cast shadows, rim light, glow, painted backgrounds, changing light.

Everything is computed from the map of parts. A pixel is in shadow if, at some distance away from the light, its part
ends and something behind it begins. Shading therefore stays exactly within its part, and needs no drawing of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import cv2
import numpy as np

_SOFT = 8  # steps of a soft edge
_NEAR = 4  # steps of a narrow one
FIGURE = 256
"""The number of part numbers per figure. Smaller part numbers are those of the background."""


@dataclass(frozen=True, slots=True)
class Shading:
    """How fills are painted. Each strength is 0..1, and 0 leaves the effect out. Lengths are in frame heights.

    Attributes:
        toward: direction to the light, x and y (y down).
        form, reach: shadow of every part of a figure on its own far side, and how far it goes.
        cast, fall: shadow of figures on what is behind them, and its length.
        rim: light on the edges toward the light.
        glow: light around fills that are much brighter than the others.
        texture: brushwork and gradients of the background; `grain_seed` is its seed.
        shadow, light: RGB 0..1 by which full shadow multiplies, and which full light adds.
    """

    toward: tuple[float, float] = (-0.6, -0.8)
    form: float = 0.0
    reach: float = 0.06
    cast: float = 0.0
    fall: float = 0.05
    rim: float = 0.0
    glow: float = 0.0
    texture: float = 0.0
    grain_seed: int = 0
    shadow: tuple[float, float, float] = (0.45, 0.4, 0.6)
    light: tuple[float, float, float] = (1.0, 0.97, 0.85)

    def paint(self, flat: np.ndarray, parts: np.ndarray, view: np.ndarray) -> np.ndarray:
        """Shade a drawing.

        Args:
            flat: RGB uint8 [H,W,3], the fills.
            parts: uint16 [H,W], the part of every pixel; a greater number is nearer.
            view: float [2,3], from frame heights to pixels.

        Returns:
            RGB uint8 [H,W,3].
        """
        height, width = parts.shape
        tones: np.ndarray = np.zeros((2, height, width), np.float32)
        dark, bright = tones
        acted = parts >= FIGURE
        if self.form:
            # the part has ended some steps away from the light, and something farther has begun
            dark += self.form / _SOFT * self._steps(parts, np.less, -self.reach, _SOFT) * acted
        if self.cast:
            figures = parts // FIGURE
            dark += self.cast / _SOFT * self._steps(figures, np.greater, self.fall, _SOFT)
        if self.rim:
            bright += self.rim / _NEAR * self._steps(parts, np.less, self.reach * 0.25, _NEAR) * acted
        if dark.any() or bright.any():
            dark, bright = (cv2.GaussianBlur(tone, (0, 0), max(0.6, height / 360)) for tone in (dark, bright))
        if self.texture:
            brushed = self._brushed(view, width, height) * ~acted
            dark += np.maximum(-brushed, 0)
            bright += np.maximum(brushed, 0) * 0.7
        if self.glow:
            bright += self._halo(flat)
        dark, bright = np.minimum(dark, 1)[..., None], np.minimum(bright, 0.9)[..., None]
        color = flat * (1 - dark * (1 - np.array(self.shadow, np.float32)))
        color += bright * (255 * np.array(self.light, np.float32) - color)
        return np.clip(color, 0, 255).astype(np.uint8)

    def _steps(self, parts: np.ndarray, compare: np.ufunc, reach: float, count: int) -> np.ndarray:
        """Count those of `count` positions up to `reach` toward the light (away from it if below 0) that compare so."""
        height, width = parts.shape
        reach *= height
        pad = int(abs(reach)) + 2
        wide = cv2.copyMakeBorder(parts, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
        found = np.zeros(parts.shape, np.uint8)
        for i in range(1, count + 1):
            x, y = (pad + round(reach * i / count * side) for side in self.toward)
            found += compare(wide[y : y + height, x : x + width], parts)
        return found

    def _brushed(self, view: np.ndarray, width: int, height: int) -> np.ndarray:
        """Return brush strokes and broad gradients that move with the camera, float32 [H,W] in about -1..1."""
        rng = np.random.default_rng(self.grain_seed)
        side = 512
        strokes = cv2.resize(rng.standard_normal((int(rng.integers(12, 120)), 40), np.float32), (side, side))
        broad = cv2.resize(rng.standard_normal((4, 4), np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
        mix = rng.uniform(0, 0.8)
        tile = self.texture * (0.35 * mix * strokes + 0.35 * (1 - mix) * broad)
        tilt = rng.uniform(-0.3, 0.3)
        # the tile is four frame heights wide and starts one left of and above the frame
        onto_tile = np.array([[4 / side, tilt * 4 / side, -1], [0, 4 / side, -1], [0, 0, 1]])
        matrix = (np.vstack([view, [0, 0, 1]]) @ onto_tile)[:2]
        return cv2.warpAffine(tile, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)

    def _halo(self, flat: np.ndarray) -> np.ndarray:
        height, width = flat.shape[:2]
        small = cv2.resize(flat, (max(1, width // 4), max(1, height // 4)), interpolation=cv2.INTER_AREA)
        light = small.max(axis=2).astype(np.float32)
        lamp = ((light > 235) & (light - small.min(axis=2) > 60)).astype(np.float32)
        halo = cv2.GaussianBlur(lamp, (0, 0), max(1.0, height / 80))
        return self.glow * cv2.resize(halo, (width, height))


def choose_shading(rng: Random, soft: bool) -> Shading:
    """Return flat or `soft` shading of fills. A painted background may be behind either."""
    turn = rng.choice((-1, 1)) * rng.uniform(0.2, 0.9)
    texture = rng.choice((0.0, rng.uniform(0.3, 1.0))) if soft else rng.choice((0.0, 0.0, rng.uniform(0.3, 1.0)))
    base = Shading(toward=(turn, -((1 - turn**2) ** 0.5)), texture=texture, grain_seed=rng.getrandbits(32))
    if not soft:
        return base
    warm = rng.uniform(-0.15, 0.15)
    depth = rng.uniform(0.3, 0.7)
    return Shading(
        toward=base.toward,
        form=rng.uniform(0.3, 1.0),
        reach=rng.choice((rng.uniform(0.015, 0.05), rng.uniform(0.05, 0.15))),
        cast=rng.choice((0.0, rng.uniform(0.3, 0.9))),
        fall=rng.uniform(0.02, 0.08),
        rim=rng.choice((0.0, rng.uniform(0.3, 0.9))),
        glow=rng.choice((0.0, 0.0, 0.0, rng.uniform(0.4, 0.9))),
        texture=texture,
        grain_seed=base.grain_seed,
        shadow=(depth + warm, depth, depth - warm + 0.1),
        light=(1.0, 1.0 - 0.3 * abs(warm), rng.uniform(0.7, 1.0)),
    )


def choose_light(rng: Random, drawings: int) -> np.ndarray:
    """Return the light's factors for all colors, float32 [drawings,3]. In one of eight clips they change slowly."""
    if rng.random() > 0.125:
        return np.ones((drawings, 3), np.float32)
    ends = np.array([[rng.uniform(0.45, 1.0) for _ in range(3)] for _ in range(3)], np.float32)
    ends[0] = 1.0
    places = np.linspace(0, 2, drawings)
    return np.stack([np.interp(places, (0, 1, 2), ends[:, c]) for c in range(3)], 1).astype(np.float32)
