# SPDX-License-Identifier: GPL-3.0-or-later
"""A prepared picture as an actor: recolored, bent and pulled, sometimes with another face."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Callable, Sequence
from random import Random

import numpy as np

from server.training.cartoon.motion import Pose
from server.training.cartoon.palette import Palette
from server.training.cartoon.render import Group, Mark
from server.training.sources.drawing import BODY, EDGE, FILL, INK, LINE, Drawing, unflatten

Warp = Callable[[np.ndarray, Pose], np.ndarray]
"""Maps points [P,2] to their positions in a pose, in the figure's units."""

_BLACK = 50
"""Brightness of the brightest channel below which a fill is black."""
_TURNED = -0.3
"""Sine of the yaw below which the figure is mirrored, since it is drawn from one side only."""


class Puppet:
    """A figure for a clip, made from the drawings of one family: 1 high, standing on y = 0.

    recolored: not in its artist's colors, for a double of another figure.
    """

    def __init__(self, rng: Random, palette: Palette, drawings: Sequence[Drawing], recolored: bool = False) -> None:
        self.stride = rng.uniform(0.4, 1.2)
        self._drawings = drawings
        self._paint = _paint_box(rng, palette, drawings, recolored)
        color = palette.name(self._paint[tuple(_main_color(drawings[0]))])
        self.name = f"{'an' if color[0] in 'aeiou' else 'a'} {color} {drawings[0].words}"
        blackens = rng.random() < 0.5  # draws black parts in solid ink, as pupils are drawn
        colors = palette.colors
        self._black = {own for own, index in self._paint.items() if blackens and colors[index].max() < _BLACK}
        kinds = np.concatenate([drawing.marks[:, 0] for drawing in drawings])
        self._bordered = rng.random() < 0.9 or (kinds == EDGE).sum() > 0.5 * np.isin(kinds, (LINE, INK)).sum()
        self._edge = rng.choice((1.0, 1.0, 0.7, 0.4))
        self._even = rng.random() < 0.5  # all lines equally wide
        self._mirrored = rng.random() < 0.5
        self._warps = _choose_warps(rng)
        self._change = rng.randint(3, 9)  # drawings between two faces
        self._offset = rng.randrange(100)
        self._talks = rng.random() < 0.4

    def groups(self, pose: Pose) -> list[Group]:
        """The figure in `pose`, from back to front.

        One puppet in ten keeps color borders without lines, like those of hard shadows, if its artist drew most lines.
        """
        drawing = self._drawings[self._face(pose)]
        points = drawing.points
        for warp in self._warps:
            points = warp(points, pose)
        if (math.sin(pose.yaw) < _TURNED) != self._mirrored:
            points = points * (-1.0, 1.0)
        places, steps = points.tolist(), drawing.steps.tolist()
        groups: list[Group] = []
        at = step = 0
        paint = self._paint
        for (kind, color, count, length), width in zip(drawing.marks.tolist(), drawing.widths.tolist(), strict=True):
            if kind != EDGE or self._bordered:
                path = unflatten(places[at : at + count], steps[step : step + length])
                if kind in (FILL, BODY, INK):
                    own = tuple(drawing.colors[color].tolist())
                    solid = kind == INK or own in self._black
                    groups.append([Mark(path, paint[own], line=0.0, solid=solid)])
                elif kind == EDGE:
                    groups.append([Mark(path, None, line=self._edge)])
                else:
                    groups.append([Mark(path, None, line=1.0 if self._even else width)])
            at += count
            step += length
        return groups

    def _face(self, pose: Pose) -> int:
        """Return which drawing of the family is shown: mostly the first, another when the figure blinks or talks."""
        if len(self._drawings) == 1:
            return 0
        beat = (pose.clock + self._offset) // (2 if self._talks else self._change)
        if pose.lids < 0.5:
            return 1
        return beat % len(self._drawings) if self._talks or beat % 3 == 0 else 0


def _main_color(drawing: Drawing) -> list[int]:
    """Return the color of the broadest fill."""
    ends = np.cumsum(drawing.marks[:, 2])
    spans = [
        np.prod(np.ptp(drawing.points[end - count : end], axis=0))
        for end, count in zip(ends, drawing.marks[:, 2], strict=True)
    ]
    widest = int(np.argmax(np.where(drawing.marks[:, 0] == FILL, spans, -1)))
    return drawing.colors[drawing.marks[widest, 1]].tolist()


def _paint_box(
    rng: Random, palette: Palette, drawings: Sequence[Drawing], recolored: bool
) -> dict[tuple[int, ...], int]:
    """Return the palette's index for every color of the drawings: the artist's own colors, rotated on the color wheel,
    or any colors."""
    way = rng.choices(("own", "turned", "any"), (0 if recolored else 4, 3, 3))[0]
    if all(np.ptp(drawing.colors, axis=1).max() < _BLACK for drawing in drawings) and rng.random() < 0.7:
        way = "any"  # the artist colored nothing
    turn = rng.random()
    box: dict[tuple[int, ...], int] = {}
    for drawing in drawings:
        for color in map(tuple, drawing.colors.tolist()):
            if color in box:
                continue
            if way == "any" and rng.random() < 0.8:
                box[color] = palette.cloth((0, *box.values())[:4])  # unlike the background too
                continue
            if way == "turned":
                hue, saturation, value = colorsys.rgb_to_hsv(*(channel / 255 for channel in color))
                shown = colorsys.hsv_to_rgb((hue + turn) % 1, saturation, value)
            else:
                shown = tuple(channel / 255 for channel in color)
            red, green, blue = (round(channel * 255) for channel in shown)
            box[color] = palette.add((red, green, blue))
    return box


def _choose_warps(rng: Random) -> list[Warp]:
    """Choose how the figure deforms. One in six is stiff."""
    if rng.random() < 0.16:
        return []
    makers = rng.sample((_bend, _wave, _lean, _pull, _pull, _pull), rng.randint(1, 4))
    return [maker(rng) for maker in makers]


def _swing(rng: Random, largest: float) -> Callable[[Pose], float]:
    """A quantity that swings with the steps or by itself."""
    amount, speed, start = rng.uniform(0.3, 1.0) * largest, rng.uniform(0.15, 1.1), rng.uniform(0, 2 * math.pi)
    if rng.random() < 0.3:
        return lambda pose: amount * math.sin(2 * math.pi * pose.cycle + start + 0.3 * speed * pose.clock)
    return lambda pose: amount * math.sin(speed * pose.clock + start)


def _bend(rng: Random) -> Warp:
    """Bends the upright figure along an arc, its feet in place; lengths along its spine are kept."""
    swing = _swing(rng, 0.9)

    def bend(points: np.ndarray, pose: Pose) -> np.ndarray:
        angle = swing(pose) or 1e-6
        turn, radius = -points[:, 1] * angle, 1 / angle
        across = radius - points[:, 0]
        return np.stack([radius - across * np.cos(turn), -across * np.sin(turn)], 1)

    return bend


def _wave(rng: Random) -> Warp:
    """A wave that runs through the figure, as through a flag or a fish."""
    swing, waves, pace = rng.uniform(0.01, 0.05), rng.uniform(0.6, 1.6), rng.uniform(0.2, 0.9)
    axis = rng.randrange(2)

    def wave(points: np.ndarray, pose: Pose) -> np.ndarray:
        moved = points.copy()
        moved[:, axis] += swing * np.sin(2 * math.pi * waves * points[:, 1 - axis] + pace * pose.clock)
        return moved

    return wave


def _lean(rng: Random) -> Warp:
    """Leans to a side and toward the viewer: higher points move further out."""
    shear, taper = _swing(rng, 0.25), _swing(rng, 0.25)

    def lean(points: np.ndarray, pose: Pose) -> np.ndarray:
        height = -points[:, 1]
        x = points[:, 0] * (1 + taper(pose) * (height - 0.5)) + shear(pose) * height
        return np.stack([x, points[:, 1]], 1)

    return lean


def _pull(rng: Random) -> Warp:
    """Pulls and turns the surroundings of one point, as when an arm or a head moves alone."""
    middle = np.array([rng.uniform(-0.4, 0.4), -rng.uniform(0.1, 1.0)])
    reach = rng.uniform(0.15, 0.35)
    # A turn or a pull that is small compared with its reach cannot fold the figure over itself.
    turn, x, y = _swing(rng, 0.7), _swing(rng, 0.5 * reach), _swing(rng, 0.5 * reach)

    def pull(points: np.ndarray, pose: Pose) -> np.ndarray:
        away = points - middle
        share = np.exp(-(away**2).sum(1) / (2 * reach**2))
        angle = turn(pose) * share
        cos, sin = np.cos(angle), np.sin(angle)
        turned = np.stack([cos * away[:, 0] - sin * away[:, 1], sin * away[:, 0] + cos * away[:, 1]], 1)
        return middle + turned + share[:, None] * (x(pose), y(pose))

    return pull
