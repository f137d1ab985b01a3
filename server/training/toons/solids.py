# SPDX-License-Identifier: GPL-3.0-or-later
"""Simple surfaces that are put on a body: hair, hats, noses, bags."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Solid:
    """A surface in one color on one bone.

    points: float [V,3], in the units of the body at rest. triangles: int [F,3]. part: number of its part. bone: what it
    moves with. loose: float [V], how much of the figure's sway moves each point.
    """

    points: np.ndarray
    triangles: np.ndarray
    part: int
    bone: int
    loose: np.ndarray


def grid(points: np.ndarray, part: int, bone: int, loose: np.ndarray | None = None) -> Solid:
    """Return the surface through points [rows,columns,3], whose last column is joined to the first.

    loose: [rows,columns], 0 by default.
    """
    rows, columns = points.shape[:2]
    index = np.arange(rows * columns).reshape(rows, columns)
    beside = np.roll(index, -1, 1)
    corners = np.stack([index[:-1], index[1:], beside[1:], beside[:-1]], -1).reshape(-1, 4)
    triangles = np.concatenate([corners[:, [0, 1, 2]], corners[:, [0, 2, 3]]])
    lag = np.zeros((rows, columns)) if loose is None else loose
    return Solid(points.reshape(-1, 3), triangles, part, bone, lag.reshape(-1))


def ball(center: Sequence[float], radii: Sequence[float], part: int, bone: int) -> Solid:
    """Return an ellipsoid."""
    down, around = np.linspace(0, math.pi, 9)[:, None], np.linspace(0, 2 * math.pi, 16, endpoint=False)[None]
    flat = np.ones_like(around)
    unit = np.stack([np.sin(down) * np.sin(around), np.cos(down) * flat, np.sin(down) * np.cos(around)], -1)
    return grid(np.asarray(center) + unit * np.asarray(radii), part, bone)


def tube(line: np.ndarray, radii: np.ndarray, part: int, bone: int) -> Solid:
    """Return a tube around a line [N,3] with these radii [N]. It is the looser the farther along."""
    ahead = np.gradient(line, axis=0)
    side = np.cross(ahead, (0.3, 0.1, 1.0))
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    other = np.cross(ahead, side)
    other /= np.linalg.norm(other, axis=1, keepdims=True)
    around = np.linspace(0, 2 * math.pi, 12, endpoint=False)[:, None]
    ring = side[:, None] * np.cos(around) - other[:, None] * np.sin(around)
    loose = np.repeat(np.linspace(0, 1, len(line))[:, None], 12, 1)
    return grid(line[:, None] + ring * radii[:, None, None], part, bone, loose)
