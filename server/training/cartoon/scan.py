# SPDX-License-Identifier: GPL-3.0-or-later
"""Drawings on paper under a scanner: faded and broken lines, the paper's tooth, dust, blur, compression."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

_TILE = 1024


@dataclass(frozen=True, slots=True)
class Scan:
    """The effects of paper, pencil and scanner on line art. Lengths are in pixels.

    Attributes:
        fade: how much the darkness of lines varies over the sheet, 0..1.
        breaks: share of the lines' length that is missing, in places about `break_length` long.
        tooth: how much the paper's roughness shows in the lines, 0..1.
        dirt: brightness that the paper loses in uneven patches.
        grain: standard deviation of the paper's brightness.
        dust: specks and hairs on a sheet.
        blur: standard deviation of the scanner's blur.
        jpeg: quality of compression, 0 for none.
        number: whether the drawing's number is written in a corner.
        paper: brightness that clean-up turns to white, 255 without clean-up.
    """

    fade: float = 0.0
    breaks: float = 0.0
    break_length: float = 6.0
    tooth: float = 0.0
    dirt: float = 0.0
    grain: float = 0.0
    dust: int = 0
    blur: float = 0.0
    jpeg: int = 0
    number: bool = False
    paper: int = 255

    def of(self, art: np.ndarray, seed: int, drawing: int) -> np.ndarray:
        """Return the scan of line art uint8 [H,W]. `seed` is the clip's. Every drawing has its own irregularities."""
        rng = np.random.default_rng([seed, drawing])
        ink = cv2.bitwise_not(art)
        if self.number:
            self._write(ink, drawing)
        if self.fade:
            ink = _weaken(ink, 1 - self.fade * np.clip(_patches(rng, ink.shape, 40), 0, 1.5) / 1.5)
        if self.breaks:
            # a normal deviate's upper tail; because of its slope, ends thin out instead of being cut
            edge = 2.6 - 1.1 * (self.breaks / 0.1) ** 0.5
            ink = _weaken(ink, np.clip(2 * (edge - _patches(rng, ink.shape, self.break_length)) + 1, 0, 1))
        if self.tooth:
            ink = _weaken(ink, 1 - self.tooth * _tooth(rng, ink.shape))
        if self.blur:
            ink = cv2.GaussianBlur(ink, (0, 0), self.blur)
        self._dust(ink, rng)
        scan = cv2.bitwise_not(ink)
        if self.dirt or self.grain:
            loss = self.dirt * np.clip(_patches(rng, ink.shape, 150) * 0.4 + 0.5, 0, 1)
            loss += self.grain * 2 * _tooth(rng, ink.shape)
            scan = cv2.subtract(scan, loss.astype(np.uint8))
        if self.jpeg:
            packed = cv2.imencode(".jpg", scan, (cv2.IMWRITE_JPEG_QUALITY, self.jpeg))[1]
            scan = np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE))
        return cv2.convertScaleAbs(scan, alpha=255 / self.paper) if self.paper < 255 else scan

    def _write(self, ink: np.ndarray, drawing: int) -> None:
        height = ink.shape[0]
        size = height / 500
        at = (round(0.02 * height), round(0.06 * height))
        cv2.putText(ink, f"{drawing + 1:04d}", at, cv2.FONT_HERSHEY_SIMPLEX, size, (220,), max(1, round(size * 1.5)))

    def _dust(self, ink: np.ndarray, rng: np.random.Generator) -> None:
        height, width = ink.shape
        for _ in range(rng.poisson(self.dust) if self.dust else 0):
            x, y, dark = int(rng.integers(width)), int(rng.integers(height)), (int(rng.integers(60, 220)),)
            if rng.random() < 0.8:
                cv2.circle(ink, (x, y), int(rng.random() < 0.25), dark, -1)
            else:
                steps = rng.normal(0, height / 120, (5, 2)) + rng.normal(0, height / 60, 2)
                hair = (np.cumsum(steps, axis=0) + np.array([x, y])).astype(np.int32)
                cv2.polylines(ink, [hair], False, dark, 1, cv2.LINE_AA)


def _weaken(ink: np.ndarray, share: np.ndarray) -> np.ndarray:
    return cv2.multiply(ink, share.astype(np.float32), dtype=cv2.CV_8U)


def _patches(rng: np.random.Generator, shape: tuple[int, ...], length: float) -> np.ndarray:
    """Return smooth noise of about unit deviation, float32 [H,W], in patches about `length` pixels wide."""
    height, width = shape
    cells = rng.standard_normal((int(height / length) + 3, int(width / length) + 3), np.float32)
    fine = min(4, max(1, int(length / 4)))  # smooth noise is made small and enlarged, which is much faster
    half = cv2.resize(cells, (-(-width // fine), -(-height // fine)), interpolation=cv2.INTER_CUBIC)
    return cv2.resize(half, (width, height)) if fine > 1 else half


def _tooth(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return a piece of rough paper, float32 [H,W] in 0..1."""
    height, width = shape
    y, x = (int(k) for k in rng.integers(0, _TILE // 4, 2))
    paper = _paper()
    if height + y > _TILE or width + x > _TILE:
        paper = np.tile(paper, (-(-(height + y) // _TILE), -(-(width + x) // _TILE)))
    return paper[y : y + height, x : x + width]


@cache
def _paper() -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal((_TILE, _TILE), np.float32)
    noise += 2 * cv2.GaussianBlur(noise, (0, 0), 1.0)
    return np.clip(0.35 + 0.3 * noise / noise.std(), 0, 1)
