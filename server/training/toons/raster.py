# SPDX-License-Identifier: GPL-3.0-or-later
"""Which triangle every pixel shows: a z-buffer in NumPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_TOUCH = 1e-4
"""How far outside of a triangle a pixel's center may be, in shares of its height, so that neighbors leave no holes."""


@dataclass(frozen=True)
class Raster:
    """The visible surface.

    Attributes:
        triangles: int32 [H,W], -1 where there is nothing.
        pixels: int64 [P], flat positions of the pixels with a triangle.
        shares: float32 [P,3], the weights of their triangles' corners there.
        nearness: float32 [H,W], of the surface; -inf where there is nothing.
    """

    triangles: np.ndarray
    pixels: np.ndarray
    shares: np.ndarray
    nearness: np.ndarray


def rasterize(
    places: np.ndarray, nearness: np.ndarray, triangles: np.ndarray, closed: np.ndarray, width: int, height: int
) -> Raster:
    """Find what every pixel's center shows.

    Args:
        places: float32 [V,2], pixels, y down. nearness: float32 [V]; greater is nearer.
        triangles: int32 [F,3], counterclockwise from their front. closed: bool [F], those not seen from behind.
    """
    start, second, third = (places[triangles[:, corner]] for corner in range(3))
    one, two = second - start, third - start
    area = one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]
    low = np.ceil(np.minimum(np.minimum(start, second), third) - 0.5).astype(np.int32)
    high = np.floor(np.maximum(np.maximum(start, second), third) - 0.5).astype(np.int32)
    np.maximum(low, 0, out=low)
    np.minimum(high, (width - 1, height - 1), out=high)
    size = high - low + 1
    seen = np.flatnonzero((size[:, 0] > 0) & (size[:, 1] > 0) & (np.where(closed, -area, np.abs(area)) > 1e-6))
    start, one, two, low, size = (values[seen] for values in (start, one, two, low, size))
    scale = 1 / area[seen]
    # The shares of corners 1 and 2 are linear in the place: step along x, step along y, value at the first pixel.
    steps = np.stack(
        [two[:, 1] * scale, -two[:, 0] * scale, -one[:, 1] * scale, one[:, 0] * scale], 1, dtype=np.float32
    )
    away = low + 0.5 - start
    first = (steps[:, 0::2] * away[:, :1] + steps[:, 1::2] * away[:, 1:]).astype(np.float32)

    counts = size[:, 0] * size[:, 1]
    owner = np.repeat(np.arange(len(seen), dtype=np.int32), counts)
    index = np.arange(len(owner), dtype=np.int32) - np.repeat((np.cumsum(counts) - counts).astype(np.int32), counts)
    across = size[:, 0][owner]
    down = index // across
    right = index - down * across
    x, y = right.astype(np.float32), down.astype(np.float32)
    second = first[:, 0][owner] + steps[:, 0][owner] * x + steps[:, 1][owner] * y
    third = first[:, 1][owner] + steps[:, 2][owner] * x + steps[:, 3][owner] * y
    inside = np.flatnonzero((second >= -_TOUCH) & (third >= -_TOUCH) & (second + third <= 1 + _TOUCH))
    owner, second, third = owner[inside], second[inside], third[inside]
    pixel = (down[inside] + low[owner, 1]) * width + right[inside] + low[owner, 0]
    at = nearness[triangles[seen]]
    near = at[owner, 0] + second * (at[owner, 1] - at[owner, 0]) + third * (at[owner, 2] - at[owner, 0])

    # Of those that claim a pixel, the last one keeps it. Integers of 16 bits are sorted in one pass.
    least, most = float(near.min(initial=0)), float(near.max(initial=1))
    order = np.argsort(((near - least) * (65535 / (most - least))).astype(np.uint16), kind="stable")
    winner = np.full(width * height, -1, np.int32)
    winner[pixel[order]] = order
    pixels = np.flatnonzero(winner >= 0)
    won = winner[pixels]
    shown = np.full(width * height, -1, np.int32)
    shown[pixels] = seen[owner[won]]
    depth = np.full(width * height, -np.inf, np.float32)
    depth[pixels] = near[won]
    shares = np.stack([1 - second[won] - third[won], second[won], third[won]], 1)
    return Raster(shown.reshape(height, width), pixels, shares, depth.reshape(height, width))
