# SPDX-License-Identifier: GPL-3.0-or-later
"""A three-dimensional figure as a cel drawing: lines and fills of what can be seen of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np
import skia

from server.training.cartoon.motion import Pose
from server.training.cartoon.palette import Palette
from server.training.cartoon.render import Group, Mark
from server.training.toons.acting import Acting
from server.training.toons.bodies import Body
from server.training.toons.borders import NOTHING, Border, clean_parts, find_borders, outline, strokes
from server.training.toons.costume import Costume, between, normals
from server.training.toons.raster import rasterize
from server.training.toons.rig import Rig, rotation

_STEP = 0.022
"""A step of the surface, in heights of the figure, from which it has a line."""
_SPECK = 10
"""Pixels of the raster that a part must have to be drawn."""


@dataclass(frozen=True, slots=True)
class Camera:
    """How figures are seen. elevation: of the camera, in radians. distance: in heights of the figure. orbit: radians
    by which it goes around them from drawing to drawing, and `start` where it begins."""

    elevation: float = 0.0
    distance: float = 5.0
    orbit: float = 0.0
    start: float = 0.0


class Toon:
    """A figure for a clip: 1 high, standing on y = 0.

    detail: pixels in which the figure's height is rasterized. shade_line: width of the line where a hard shadow ends,
    relative to the ink's; None for figures without shadows. wobble: deviation of the lines from drawing to drawing, in
    heights of the figure.
    """

    def __init__(
        self,
        rng: Random,
        palette: Palette,
        body: Body,
        camera: Camera,
        detail: int,
        plain: bool = False,
        shade_line: float | None = None,
        wobble: float = 0.0,
    ) -> None:
        self._costume = costume = Costume(rng, palette, body, plain)
        self._acting = Acting(rng)
        self._rig = Rig(costume.joints, costume.weights)
        self._camera = camera
        self._detail = detail
        self._shade_line = shade_line
        self._shades = (
            [palette.shade(paint.fill, 0.7) for paint in costume.paints.all] if shade_line is not None else []
        )
        self._wobble, self._seed = wobble, rng.getrandbits(32)
        self.stride = self._acting.stride * self._rig.leg / costume.height
        hat = f" with {_a(palette.name(costume.hat_fill))} hat" if costume.hat_fill is not None else ""
        self.name = f"{_a(body.words)}{hat} in {palette.name(costume.top_fill)}"

    def groups(self, pose: Pose) -> list[Group]:
        """The figure in `pose`, from back to front."""
        places, near, posed = self._project(pose)
        low, high = places.min(0), places.max(0)
        scale = self._detail
        size = np.ceil((high - low) * scale).astype(int) + 4
        origin = low - 2 / scale
        pixels = ((places - origin) * scale).astype(np.float32)
        costume = self._costume
        raster = rasterize(pixels, near.astype(np.float32), costume.triangles, costume.closed, *size)
        parts = np.full(raster.triangles.shape, NOTHING)
        triangles = raster.triangles.reshape(-1)[raster.pixels]
        found = self._costume.paint(triangles, raster.shares, pose)
        if self._shade_line is not None:
            found = found + len(self._shades) * self._in_shade(posed, triangles, raster.shares)
        parts.reshape(-1)[raster.pixels] = found
        cleaned = clean_parts(parts, _SPECK)
        steps = _steps(raster.nearness, cleaned == parts)
        borders = find_borders(cleaned, steps, max(4, scale // 20))
        if self._wobble:
            borders = _wobbled(borders, self._wobble * scale, Random(self._seed + pose.clock))
        return self._marks(cleaned, borders, raster.nearness, origin, scale)

    def _project(self, pose: Pose) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return places [V,2] in the figure's units, y down, how near they are [V], and the posed vertices."""
        costume, camera = self._costume, self._camera
        posed = self._rig.pose(costume.vertices, self._acting.stance(pose))
        posed = (posed - (0, costume.floor, 0)) / costume.height
        yaw = pose.yaw + camera.start + camera.orbit * pose.clock
        turned = posed @ rotation((0.0, 0.0, yaw)).T
        turned[:, 0] += 0.12 * costume.loose * pose.sway
        tilted = turned @ rotation((camera.elevation, 0.0, 0.0)).T
        larger = camera.distance / np.maximum(camera.distance - tilted[:, 2], 0.2 * camera.distance)
        middle = 0.5 * math.cos(camera.elevation)  # the eye's level
        places = np.stack([tilted[:, 0] * larger, -(middle + (tilted[:, 1] - middle) * larger)], 1)
        return places, tilted[:, 2], tilted

    def _in_shade(self, posed: np.ndarray, triangles: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """Return which places are turned away from the light, at the upper left of the viewer."""
        corners = self._costume.triangles
        facing = between(normals(posed, corners), corners[triangles], shares)
        return facing @ np.array([-0.65, 0.5, 0.55]) < 0.05

    def _marks(
        self, parts: np.ndarray, borders: list[Border], near: np.ndarray, origin: np.ndarray, scale: float
    ) -> list[Group]:
        place = skia.Matrix()
        place.setAffine([1 / scale, 0, 0, 1 / scale, float(origin[0]), float(origin[1])])
        shown, index = np.unique(parts[parts != NOTHING], return_inverse=True)
        if not len(shown):
            return []
        depth = np.bincount(index, np.maximum(near[parts != NOTHING], -9)) / np.bincount(index)
        whole = _moved(outline(borders, NOTHING), place)
        groups: list[Group] = []
        for number, part in enumerate(shown[np.argsort(depth)].tolist()):
            path = _moved(outline(borders, part), place)
            fill, solid = self._look(part)
            base = [Mark(whole, fill, line=0.0)] if number == 0 else []
            groups.append([*base, Mark(path, fill, line=0.0, solid=solid)])
        by_width: dict[float, list[Border]] = {}
        for border in borders:
            if (width := self._line(*border.sides)) > 0:
                by_width.setdefault(width, []).append(border)
        groups.append([Mark(_moved(strokes(own), place), None, line=width) for width, own in by_width.items()])
        return groups

    def _look(self, part: int) -> tuple[int, bool]:
        paints = self._costume.paints.all
        paint = paints[part % len(paints)]
        return (self._shades[part - len(paints)] if part >= len(paints) else paint.fill), paint.solid

    def _line(self, one: int, two: int) -> float:
        """Return the width of the line between two parts, relative to the ink's."""
        paints = self._costume.paints.all
        if one == NOTHING:
            return 1.0
        first, second = paints[one % len(paints)], paints[two % len(paints)]
        if one != two and one % len(paints) == two % len(paints):
            return self._shade_line or 0.0
        return min(first.line, second.line) if one != two else 0.8


def _a(words: str) -> str:
    return f"an {words}" if words[0] in "aeiou" else f"a {words}"


def _wobbled(borders: Sequence[Border], amount: float, rng: Random) -> list[Border]:
    """Return the borders moved by about `amount` pixels, in smooth waves, so that they still meet."""
    waves = [
        (np.array([rng.uniform(-0.3, 0.3), rng.uniform(-0.3, 0.3)]), rng.uniform(0, 6), rng.random()) for _ in range(4)
    ]

    def move(points: np.ndarray) -> np.ndarray:
        away = np.zeros_like(points)
        for direction, phase, share in waves:
            away += np.sin(points @ direction + phase)[:, None] * (share, 1 - share)
        return points + 0.4 * amount * away

    return [replace(border, points=move(border.points)) for border in borders]


def _moved(path: skia.Path, place: skia.Matrix) -> skia.Path:
    path.transform(place)
    return path


def _steps(near: np.ndarray, sure: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where the surface steps, along rows and along columns, between pixels that are `sure`."""
    level = np.maximum(near, -1e3)
    along = (np.abs(np.diff(level, axis=1)) > _STEP) & sure[:, 1:] & sure[:, :-1]
    return along, (np.abs(np.diff(level, axis=0)) > _STEP) & sure[1:] & sure[:-1]
