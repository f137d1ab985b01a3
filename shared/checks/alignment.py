# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds whether a painted keyframe is aligned with its frame's line art, and how to move and scale it to fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

_SIDE = 256
"""Longer side of the small pictures that are searched."""

_SCALES = np.geomspace(0.8, 1.25, 31)
_ALIGNED = 1.5
"""Pixels of the searched picture that a keyframe may be off and still count as aligned."""

_RELATED = 0.3
"""Lowest agreement of the best fit at which a painting counts as one of this drawing."""

Verdict = Literal["aligned", "misaligned", "unrelated"]


@dataclass(frozen=True)
class Alignment:
    """How a keyframe is aligned with its line art.

    scale, dx, dy: a point (x, y) of the keyframe, scaled to the drawing's size, belongs at (scale·x + dx, scale·y + dy)
    of the drawing, in pixels. before, after: agreement of the lines before and after the fit, 0 to 1.
    """

    scale: float
    dx: float
    dy: float
    before: float
    after: float
    verdict: Verdict


def align(keyframe: np.ndarray, line_art: np.ndarray) -> Alignment:
    """Find how a keyframe uint8 [h, w, 3 or 4] is aligned with line art uint8 [H, W].

    Thin dark structures of both are compared in small pictures by normalized correlation, for a range of scales and for
    all shifts at once (Fourier transform). A finer search of scales around the best one follows.
    """
    step, drawing = _small_lines(line_art)
    shape = drawing.shape
    painting = darkest_channel(keyframe)
    best = (-1.0, 1.0, 0.0, 0.0)
    for scale in _SCALES:
        best = max(best, _shift(drawing, _lines(_sampled(painting, shape, scale, 0, 0)), scale))
    fine = np.linspace(best[1] * 0.99, best[1] * 1.01, 9)
    for scale in fine:
        best = max(best, _shift(drawing, _lines(_sampled(painting, shape, scale, 0, 0)), scale))
    after, scale, dx, dy = best
    before = _agreement(drawing, _lines(_sampled(painting, shape, 1, 0, 0)))
    corners = np.array([(0, 0), (shape[1], shape[0])])
    off = np.abs((scale - 1) * corners + (dx, dy)).max()
    verdict: Verdict = "unrelated" if after < _RELATED else "aligned" if off <= _ALIGNED else "misaligned"
    return Alignment(float(scale), float(dx * step), float(dy * step), before, after, verdict)


def agreement(keyframe: np.ndarray, line_art: np.ndarray) -> float:
    """How much the lines of a keyframe uint8 [h, w, 3 or 4] agree with line art uint8 [H, W] where they are, 0 to 1."""
    _, drawing = _small_lines(line_art)
    return _agreement(drawing, _lines(_sampled(darkest_channel(keyframe), drawing.shape, 1, 0, 0)))


def fit(keyframe: np.ndarray, alignment: Alignment, size: tuple[int, int]) -> np.ndarray:
    """Move and scale a keyframe uint8 [h, w, 3 or 4] to fit; `size` is the drawing's width and height.

    Returns uint8 [H, W, 3 or 4]. Colors are taken from the nearest pixel, so that none are mixed. Outside the keyframe,
    its edge pixels are repeated.
    """
    width, height = size
    x = ((np.arange(width) + 0.5 - alignment.dx) / alignment.scale * keyframe.shape[1] / width).astype(int)
    y = ((np.arange(height) + 0.5 - alignment.dy) / alignment.scale * keyframe.shape[0] / height).astype(int)
    return keyframe[np.ix_(np.clip(y, 0, keyframe.shape[0] - 1), np.clip(x, 0, keyframe.shape[1] - 1))]


def _small_lines(line_art: np.ndarray) -> tuple[int, np.ndarray]:
    """The factor by which line art is shrunk for the search, and the lines of the small picture."""
    step = max(1, max(line_art.shape) // _SIDE)
    return step, _lines(_shrunk(line_art.astype(np.float32), step))


def darkest_channel(keyframe: np.ndarray) -> np.ndarray:
    """The darkest channel of a painting over white, float32 [h, w]: 0 is dark."""
    color = keyframe[..., :3].min(axis=2).astype(np.float32)
    if keyframe.shape[2] == 4:
        alpha = keyframe[..., 3].astype(np.float32) / 255
        color = color * alpha + 255 * (1 - alpha)
    return color


def _shrunk(picture: np.ndarray, step: int) -> np.ndarray:
    """A picture shrunk by a whole factor; each pixel is the mean of those that it covers."""
    rows, columns = picture.shape[0] // step, picture.shape[1] // step
    return picture[: rows * step, : columns * step].reshape(rows, step, columns, step).mean(axis=(1, 3))


def _sampled(picture: np.ndarray, shape: tuple[int, int], scale: float, dx: float, dy: float) -> np.ndarray:
    """A picture scaled to `shape` and moved; outside of it is white. Pixels are averaged if it shrinks."""
    height, width = shape
    step = max(1, int(picture.shape[1] / (width * scale)))
    small = _shrunk(picture, step)
    x = ((np.arange(width) + 0.5 - dx) / scale * small.shape[1] / width).astype(int)
    y = ((np.arange(height) + 0.5 - dy) / scale * small.shape[0] / height).astype(int)
    inside = ((y >= 0) & (y < small.shape[0]))[:, None] & ((x >= 0) & (x < small.shape[1]))
    at = np.ix_(np.clip(y, 0, small.shape[0] - 1), np.clip(x, 0, small.shape[1] - 1))
    return np.where(inside, small[at], 255)


def _lines(picture: np.ndarray) -> np.ndarray:
    """What is darker than its surroundings, with mean 0 and norm 1, so that a dot product measures agreement."""
    around = picture
    for axis in (0, 1):
        padded = np.pad(around, [(3, 3) if one == axis else (0, 0) for one in (0, 1)], mode="edge")
        moved = [np.take(padded, range(shift, shift + picture.shape[axis]), axis=axis) for shift in range(7)]
        around = np.mean(moved, axis=0)
    thin = np.maximum(around - picture, 0)
    for axis in (0, 1):  # lines that are one pixel apart still agree
        padded = np.pad(thin, [(1, 1) if one == axis else (0, 0) for one in (0, 1)])
        thin = sum(np.take(padded, range(shift, shift + picture.shape[axis]), axis=axis) for shift in range(3))
    thin = thin - thin.mean()
    return thin / max(float(np.linalg.norm(thin)), 1e-6)


def _agreement(one: np.ndarray, other: np.ndarray) -> float:
    return float((one * other).sum())


def _shift(drawing: np.ndarray, painting: np.ndarray, scale: float) -> tuple[float, float, float, float]:
    """The best shift of a painting: agreement, scale, dx and dy, in fractional pixels of the small pictures."""
    height, width = drawing.shape
    shape = (2 * height, 2 * width)  # so that nothing wraps around
    spectrum = np.fft.rfft2(drawing, shape) * np.conj(np.fft.rfft2(painting, shape))
    found = np.fft.irfft2(spectrum, shape)
    y, x = np.unravel_index(found.argmax(), found.shape)
    parts = []
    for here, size, axis in ((y, shape[0], 0), (x, shape[1], 1)):
        beside = [found[(y + d) % shape[0], x] if axis == 0 else found[y, (x + d) % shape[1]] for d in (-1, 0, 1)]
        bend = beside[0] - 2 * beside[1] + beside[2]
        part = 0.5 * (beside[0] - beside[2]) / bend if bend < 0 else 0.0
        parts.append((here - size if here > size / 2 else here) + part)
    return float(found[y, x]), float(scale), parts[1], parts[0]
