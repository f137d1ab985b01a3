# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures that are neither people nor animals: vehicles, soft blobs and abstract trees of parts.

Units as in `humanoid`: 1 high, standing on y = 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

import skia

from server.training.cartoon.faces import Face, Features
from server.training.cartoon.motion import Pose, step
from server.training.cartoon.palette import Palette
from server.training.cartoon.render import Group, Mark
from server.training.cartoon.shapes import Point, bent, blob, box, ellipse, line, loft, place, polygon, star
from server.training.cartoon.turntable import Turntable


class Vehicle:
    """A car, truck or train: boxes with windows on turning wheels."""

    def __init__(self, rng: Random, palette: Palette) -> None:
        self.body, self.tyre = palette.cloth(), palette.near((40, 40, 45))
        self.cabin = palette.cloth((self.body,)) if rng.random() < 0.5 else self.body
        self.glass, self.hub = palette.near((190, 225, 245)), palette.cloth((self.tyre,))
        self.trim = palette.cloth((self.body,))
        self.wheel = rng.uniform(0.14, 0.24)
        self.long = rng.uniform(0.7, 1.2)
        soft = rng.uniform(0.0, 0.12)
        r, w = self.wheel, self.long
        self.hull = box(-w, -0.62, w, -r * 0.8, soft)
        a, b = sorted((rng.uniform(-0.9, -0.2), rng.uniform(0.1, 0.8)))
        lean = rng.uniform(0, 0.25)
        self.cab = polygon([(a * w, -0.6), (a * w + lean, -1.0), (b * w - lean * 0.6, -1.0), (b * w, -0.6)])
        count = rng.randint(1, 3)
        cell = (b - a) * w / (count + 0.4)
        self.panes = [box(a * w + cell * (i + 0.35), -0.92, a * w + cell * (i + 1.1), -0.65) for i in range(count)]
        self.spots = [-w * 0.6, w * 0.6] if rng.random() < 0.7 else [-w * 0.7, 0.0, w * 0.7]
        self.spokes = rng.randint(2, 6)
        self.shade = palette.shade(self.body, 0.7) if palette.shaded else None
        self.stride = 1.6
        self.name = f"a {palette.name(self.body)} car"

    def groups(self, pose: Pose) -> list[Group]:
        """The vehicle in `pose`, from back to front; it shows its side whatever its yaw."""
        way = -1.0 if math.sin(pose.yaw) < 0 else 1.0
        parts = [
            Mark(self.cab, self.cabin),
            *(Mark(pane, self.glass) for pane in self.panes),
            Mark(self.hull, self.body, shade=self.shade),
        ]
        parts.append(Mark(box(-self.long * 2, -0.42, self.long * 2, -0.34), self.trim, clip=self.hull))
        parts.append(Mark(ellipse(self.long * 0.92, -0.5, 0.05, 0.07), self.glass))
        groups = [
            [Mark(place(m.path, 0, 0, 0, way, 1), m.fill, clip=m.clip and place(m.clip, 0, 0, 0, way, 1))]
            for m in parts
        ]
        turn = pose.cycle * 6 * way
        for x in self.spots:
            groups.append([Mark(ellipse(x, -self.wheel, self.wheel, self.wheel), self.tyre)])
            groups.append([Mark(ellipse(x, -self.wheel, self.wheel * 0.6, self.wheel * 0.6), self.hub)])
            for i in range(self.spokes):
                angle = turn + math.pi * i / self.spokes
                dx, dy = math.cos(angle) * self.wheel * 0.6, math.sin(angle) * self.wheel * 0.6
                groups.append([Mark(line((x - dx, -self.wheel - dy), (x + dx, -self.wheel + dy)), None, line=0.7)])
        return groups


class Blob:
    """A soft creature: a body with a face and hose limbs."""

    def __init__(self, rng: Random, palette: Palette) -> None:
        self.fill = palette.cloth()
        self.limbs = palette.cloth((self.fill,)) if rng.random() < 0.5 else self.fill
        self.belly = palette.maybe(0.5, (self.fill,))
        self.leg = rng.uniform(0.08, 0.3)
        self.body = place(
            blob(rng, rng.uniform(0.22, 0.45), (1 - self.leg) / 2, 0.08), 0, -self.leg - (1 - self.leg) / 2
        )
        self.wide = rng.uniform(0.25, 0.4)
        self.thick = rng.uniform(0.02, 0.06)
        self.features = Features(rng, palette, self.fill, palette.hair(), rng.uniform(0.3, 0.5), self.wide)
        self.stride = max(0.4, 2 * self.leg)
        self.name = f"a {palette.name(self.fill)} blob"

    def groups(self, pose: Pose) -> list[Group]:
        """The creature in `pose`, from back to front."""
        view = Turntable.facing(pose.yaw)
        groups: list[Group] = []
        for side, phase in ((1, 0.0), (-1, 0.5)):
            ahead, up = step(pose.cycle + phase, self.stride / 4 * pose.gait, 0.1 * pose.gait)
            hip = view.flat((side * self.wide * 0.5, self.leg * 1.5, 0.0))
            foot = view.flat((side * self.wide * 0.5, up + self.thick, ahead))
            groups.append([Mark(line(hip, foot), self.limbs, tube=2 * self.thick)])
            groups.append(
                [Mark(ellipse(foot[0] + self.thick * view.sin, foot[1], self.thick * 2, self.thick), self.limbs)]
            )
        arms = []
        for side, (lift, swing, bend) in zip((1, -1), pose.arms, strict=True):
            start = view.flat((side * self.wide * 0.8, 0.5, 0.0))
            reach = 0.3
            out = side * math.sin(lift)
            mid = view.flat((side * self.wide * 0.8 + out * reach, 0.5 - math.cos(lift) * reach * 0.6, swing * 0.2))
            end = (mid[0] + side * 0.1 * view.cos, mid[1] - 0.2 * bend * math.copysign(1, lift - 0.8))
            arms.append((view.near((side, 0, 0)), [Mark(bent(start, mid, end, True), self.limbs, tube=2 * self.thick)]))
        arms.sort(key=lambda arm: arm[0])
        groups.append(arms[0][1])
        groups.append([Mark(self.body, self.fill)])
        if self.belly is not None and view.cos > 0:
            belly = ellipse(view.sin * self.wide * 0.5, -self.leg - 0.2, self.wide * 0.6 * view.cos, 0.2)
            groups.append([Mark(belly, self.belly, clip=self.body)])
        face = Face.of(pose)
        if face.cos > -0.35:
            groups += [[mark] for mark in self.features.marks(0.0, -self.leg - 0.25, face, self.body)]
        return [*groups, arms[1][1]]


@dataclass(frozen=True, slots=True)
class _Joint:
    """A part that hangs at `spot` of its parent and swings by up to `swing` radians."""

    parent: int
    spot: Point
    swing: float
    speed: float
    phase: float
    nearness: float
    mark: Mark


class Tangle:
    """A random tree of parts that swing about their joints, for shapes that no other class draws."""

    def __init__(self, rng: Random, palette: Palette) -> None:
        self.joints: list[_Joint] = []
        sizes: list[float] = []
        for i in range(rng.randint(3, 14)):
            parent = 0 if i == 0 else rng.randrange(i) if rng.random() < 0.6 else i - 1
            size = 0.3 if i == 0 else max(0.05, sizes[parent] * rng.uniform(0.3, 0.95))
            around, reach = rng.uniform(0, 2 * math.pi), (sizes[parent] if sizes else 0.0) * rng.uniform(0.4, 1.1)
            unlike = () if i == 0 else (self.joints[parent].mark.fill or 0,)
            fill = palette.cloth(unlike)
            shade = palette.shade(fill, 0.7) if palette.shaded else None
            spot = (reach * math.cos(around), reach * math.sin(around))
            chance = (rng.uniform(0, 0.7), rng.uniform(0.2, 1.2), rng.uniform(0, 6), rng.random())
            self.joints.append(_Joint(parent, spot, *chance, Mark(_anything(rng, size), fill, shade=shade)))
            sizes.append(size)
        self.order = sorted(range(len(self.joints)), key=lambda i: self.joints[i].nearness)
        self.stride = rng.uniform(0.4, 1.5)
        self.name = f"{palette.name(self.joints[0].mark.fill or 0)} shapes"

    def groups(self, pose: Pose) -> list[Group]:
        """The parts in `pose`, from back to front."""
        spots: list[tuple[float, float, float]] = []
        for i, joint in enumerate(self.joints):
            turn = joint.swing * math.sin(joint.speed * pose.clock + joint.phase)
            if i == 0:
                spots.append((0.0, -0.5, turn * 0.5))
                continue
            x, y, base = spots[joint.parent]
            (dx, dy), c, s = joint.spot, math.cos(base), math.sin(base)
            spots.append((x + c * dx - s * dy, y + s * dx + c * dy, base + turn))
        return [[self.joints[i].mark.moved(*spots[i])] for i in self.order]


def _anything(rng: Random, r: float) -> skia.Path:
    kind = rng.randrange(6)
    if kind == 0:
        return blob(rng, r, r * rng.uniform(0.5, 1), 0.25)
    if kind == 1:
        high = r * rng.uniform(0.3, 1)
        return box(-r, -high, r, high, high * rng.uniform(0, 0.4))
    if kind == 2:
        return ellipse(0, 0, r, r * rng.uniform(0.3, 1))
    if kind == 3:
        return star(rng.randint(3, 7), r, r * rng.uniform(0.4, 0.9), rng.random() < 0.5, rng.random())
    if kind == 4:
        return loft([(-r, r * rng.uniform(0.1, 1)), (0, r * rng.uniform(0.2, 1)), (r, r * rng.uniform(0.1, 1))])
    angles = sorted(rng.uniform(0, 2 * math.pi) for _ in range(rng.randint(3, 6)))
    return polygon([(r * math.cos(a), r * math.sin(a)) for a in angles])
