# SPDX-License-Identifier: GPL-3.0-or-later
"""Hair and hats, cut to a head."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

import numpy as np

from server.training.toons.bodies import FACE, HEAD, Body
from server.training.toons.solids import Solid, ball, grid, tube

_COLUMNS, _ROWS = 48, 12
_BROW = 7.45
"""Height on the mean body above which the skull is free."""


@dataclass(frozen=True)
class Skull:
    """The ellipsoid around the upper half of a head: its center and radii [3]."""

    center: np.ndarray
    radii: np.ndarray

    @classmethod
    def of(cls, body: Body, vertices: np.ndarray) -> Skull:
        """Fit it to a body with these vertices."""
        spots = body.mesh.spots
        head = body.mesh.surfaces == FACE
        top = vertices[head & (spots[:, 1] > _BROW)]
        level = vertices[head & (np.abs(spots[:, 1] - _BROW) < 0.2), 1].mean()
        low, high = top.min(0), top.max(0)
        center = np.array([0.0, level, (low[2] + high[2]) / 2])
        radii = np.array([high[0], high[1] - level, (high[2] - low[2]) / 2])
        fit = float(np.sqrt((((top - center) / radii) ** 2).sum(1)).max())
        return cls(center, radii * fit)

    def cover(self, lengths: np.ndarray, thick: float, tuck: float) -> tuple[np.ndarray, np.ndarray]:
        """Return a cover of the skull, [rows,columns,3], and how loose it is [rows,columns].

        lengths: [columns], how far it reaches down from the crown, in radians; where more than a quarter, it hangs.
        thick: relative to the skull. tuck: how much hanging hair narrows.
        """
        around = np.linspace(0, 2 * math.pi, len(lengths), endpoint=False)[None]
        arc = np.linspace(0.02, 1, _ROWS)[:, None] * lengths[None]
        on_skull = np.minimum(arc, math.pi / 2)
        hanging = np.maximum(arc - math.pi / 2, 0)
        out = np.sin(on_skull) * (1 - tuck * np.minimum(hanging, 1.2) ** 2)
        unit = np.stack([out * np.sin(around), np.cos(on_skull) - hanging, out * np.cos(around)], -1)
        return self.center + unit * self.radii * thick, np.minimum(hanging, 2) / 2


def make_hair(rng: Random, skull: Skull, part: int, long: bool, flat: bool) -> list[Solid]:
    """Choose a haircut. A flat one fits under a hat."""
    around = np.linspace(0, 2 * math.pi, _COLUMNS, endpoint=False)
    turned = np.minimum(around, 2 * math.pi - around)  # from the forehead
    side, back = (
        (rng.uniform(1.5, 3.2), rng.uniform(2.2, 5.0)) if long else (rng.uniform(1.3, 1.9), rng.uniform(1.7, 2.4))
    )
    opening = rng.uniform(0.8, 1.25)
    fringe = rng.uniform(0.75, 1.35)
    aside = _ramp(turned, opening, 0.25)
    behind = _ramp(turned, 2.0, 0.7)
    lengths = fringe + (side - fringe) * aside + (back - side) * behind
    if rng.random() < 0.5:  # parted at a side
        lengths -= 0.35 * np.sin(around + rng.choice((0.0, math.pi))) * (1 - aside)
    if rng.random() < 0.5:  # in points
        count, depth = rng.choice((6, 8, 12)), rng.uniform(0.1, 0.35)
        lengths += depth * (2 * np.abs((around / (2 * math.pi) * count + 0.25) % 1 - 0.5) - 0.5)
    thick = rng.uniform(1.03, 1.1) if flat or rng.random() < 0.5 else rng.uniform(1.1, 1.4)
    points, loose = skull.cover(np.maximum(lengths, 0.3), thick, rng.uniform(-0.1, 0.25))
    if not flat and rng.random() < 0.25:  # in spikes
        spikes, rows = rng.choice((5, 7, 9)), np.linspace(0, 1, _ROWS)[:, None]
        rough = rng.uniform(0.1, 0.3) * np.abs(np.sin(around * spikes / 2))[None] * np.sin(math.pi * rows)
        points += rough[..., None] * (points - skull.center)
    solids = [grid(points, part, HEAD, loose)]
    more = "" if flat else rng.choice(("", "", "", "", "bun", "tails", "pony") if long else ("", "", "", "crest"))
    x, y, z = skull.radii * thick
    if more == "bun":
        high, size = rng.uniform(0.2, 1.0), rng.uniform(0.35, 0.6) * x
        solids.append(
            ball(skull.center + np.array([0, high * y, -(1.15 - 0.7 * high) * z]), (size, size, size), part, HEAD)
        )
    elif more == "pony":
        solids.append(_tail(rng, skull.center + np.array([0, 0.5 * y, -0.9 * z]), (0, 0.1, -1), x, part))
    elif more == "tails":
        twin = rng.getrandbits(32)
        for way in (-1, 1):
            solids.append(
                _tail(
                    Random(twin), skull.center + np.array([way * 0.95 * x, 0.1 * y, -0.3 * z]), (way, 0.1, 0), x, part
                )
            )
    elif more == "crest":
        bow = np.linspace(-0.5, 1.9, 9)
        line = skull.center + np.stack([0 * bow, np.cos(bow - 0.4) * y * 1.15, -np.sin(bow - 0.4) * z * 1.1], 1)
        solids.append(tube(line, 0.3 * x * np.sin(np.linspace(0.3, math.pi - 0.1, 9)), part, HEAD))
    return solids


def make_hat(rng: Random, skull: Skull, part: int, band: int) -> list[Solid]:
    """Choose a hat: with a peak, with a brim, of wool, or pointed."""
    kind = rng.choice(("peak", "brim", "wool", "point"))
    low = 1.25 if kind == "wool" else rng.uniform(1.1, 1.3)
    points, _ = skull.cover(np.full(_COLUMNS, low), rng.uniform(1.18, 1.4), 0.0)
    rows = np.linspace(0, 1, _ROWS)[:, None]
    if kind == "point":
        high = rng.uniform(1.0, 2.2) * skull.radii[1]
        points[..., 1] += high * (1 - rows) ** 1.3
    elif kind == "brim" and rng.random() < 0.5:  # a flat crown
        points[..., 1] = np.minimum(points[..., 1], skull.center[1] + rng.uniform(0.9, 1.1) * skull.radii[1])
    solids = [grid(points, part, HEAD)]
    rim, around = points[-1], np.linspace(0, 2 * math.pi, _COLUMNS, endpoint=False)
    center = rim.mean(0)
    if kind == "wool":
        ring = np.stack([center + (rim - center) * 1.04 + (0, lift * skull.radii[1], 0) for lift in (0.25, -0.02)])
        solids.append(grid(ring, band, HEAD))
        if rng.random() < 0.5:
            size = rng.uniform(0.2, 0.35) * skull.radii[0]
            solids.append(ball(points[0].mean(0), (size, size, size), band, HEAD))
    else:
        wide = rng.uniform(0.35, 0.8)
        reach = wide * (np.maximum(np.cos(around), 0) ** 0.5 if kind == "peak" else np.ones(_COLUMNS))
        outer = center + (rim - center) * (1 + reach)[:, None] - (0, 0.1 * skull.radii[1], 0)
        solids.append(grid(np.stack([rim, outer]), band, HEAD))
    return solids


def _ramp(values: np.ndarray, start: float, width: float) -> np.ndarray:
    share = np.clip((values - start) / width, 0, 1)
    return share * share * (3 - 2 * share)


def _tail(rng: Random, start: np.ndarray, away: tuple[float, float, float], unit: float, part: int) -> Solid:
    """Return hair that is tied at `start` and hangs."""
    length, out = rng.uniform(1.2, 3.5) * unit, rng.uniform(0.4, 0.9) * unit
    along = np.linspace(0, 1, 9)
    line = start + np.outer(1 - (1 - along) ** 2, np.array(away)) * out
    line[:, 1] -= length * along**1.5
    radii = (
        rng.uniform(0.3, 0.5)
        * unit
        * (0.35 + np.sin(math.pi * np.clip(along * 1.1 - 0.1, 0, 1)) ** 0.7)
        * (1 - along**4)
    )
    return tube(line, np.maximum(radii, 0.02), part, HEAD)
