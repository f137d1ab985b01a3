# SPDX-License-Identifier: GPL-3.0-or-later
"""Other animals: birds on two legs, crawlers with none, insects and octopuses with many.

Units as in `humanoid`: 1 high, standing on y = 0.
"""

from __future__ import annotations

import math
from random import Random

from server.training.cartoon.motion import Pose, knee, step
from server.training.cartoon.palette import Palette
from server.training.cartoon.render import Group, Mark
from server.training.cartoon.shapes import Point, bent, ellipse, line, loft, place, polygon, smooth, star
from server.training.cartoon.turntable import Turntable


class Bird:
    """A bird that walks: duck, penguin, ostrich, or something between."""

    def __init__(self, rng: Random, palette: Palette) -> None:
        self.plumage = palette.cloth()
        self.wing_fill = palette.cloth((self.plumage,)) if rng.random() < 0.6 else self.plumage
        self.belly = palette.maybe(0.6, (self.plumage,))
        self.beak_fill = palette.near((245, 170, 50))
        self.black, self.white = palette.add((20, 20, 24)), palette.add((255, 255, 255))
        self.leg = rng.choice((rng.uniform(0.06, 0.15), rng.uniform(0.2, 0.45)))
        self.neck = rng.choice((0.02, rng.uniform(0.1, 0.3)))
        self.skull = rng.uniform(0.1, 0.17)
        body = 1 - self.leg - self.neck - 1.6 * self.skull
        self.half, self.wide = body / 2, rng.uniform(0.16, 0.32)
        self.lean = rng.uniform(0.0, 0.5)
        self.beak = rng.uniform(0.12, 0.3)
        self.crest = rng.randint(0, 3)
        self.feathers = rng.randint(0, 4)
        self.wing = loft([(-0.1, 0.2), (0.2, 0.5), (0.8, 0.35), (1.1, 0.05)])
        self.tail = polygon([(0.3, -0.4), (-0.9, -0.5), (-0.7, 0.0), (-0.9, 0.3), (0.3, 0.4)])
        self.stride = 2 * self.leg + 0.2
        self.name = f"a {palette.name(self.plumage)} bird"

    def groups(self, pose: Pose) -> list[Group]:
        """The bird in `pose`, from back to front."""
        view = Turntable.facing(pose.yaw)
        hip = self.leg + 0.03
        legs: list[tuple[float, list[Group]]] = []
        for side, phase in ((1, 0.0), (-1, 0.5)):
            ahead, up = step(pose.cycle + phase, self.stride / 4 * pose.gait, 0.1 * pose.gait)
            out = side * self.wide * 0.5
            joint, foot = knee((0.0, hip), (ahead, up + 0.02), hip * 0.55, hip * 0.55, -1.0)
            a, b, c = (view.flat((out, u, f)) for f, u in ((0.0, hip), joint, foot))
            toes = [(-0.3, 0.0), (1.0, -0.25), (0.8, 0.1), (1.1, 0.3), (0.6, 0.35), (-0.2, 0.3)]
            web = place(polygon(toes), *c, 0.3 * view.cos * side, 0.11 * (view.sin or 0.2), 0.06)
            leg = [[Mark(bent(a, b, c, False), self.beak_fill, tube=0.035)], [Mark(web, self.beak_fill)]]
            legs.append((view.near((out, 0, 0)), leg))
        groups = [group for _, leg in sorted(legs, key=lambda leg: leg[0]) for group in leg]
        middle = (0.05 * pose.sway, -hip - self.half)
        turn = self.lean * view.sin + 0.04 * math.sin(4 * math.pi * pose.cycle) * pose.gait
        body = place(ellipse(0, 0, 1, 1), *middle, turn, self.wide, self.half * 1.05)
        x = middle[0] - self.wide * view.sin * 0.9
        tail = place(self.tail, x, -hip - self.half * 0.3, 0, self.wide * 0.8 * (view.sin or 0.2), self.half * 0.5)
        groups.append([Mark(tail, self.wing_fill)])
        crown = (middle[0] + 0.5 * self.half * math.sin(turn), -1 + 0.8 * self.skull)
        throat = Mark(line(middle, crown), self.plumage, tube=self.skull * 1.2)
        groups.append([throat, Mark(body, self.plumage), Mark(ellipse(*crown, self.skull, self.skull), self.plumage)])
        if self.belly is not None and view.cos > -0.3:
            belly = ellipse(
                middle[0] + view.sin * self.wide * 0.5, middle[1] + self.half * 0.2, self.wide * 0.7, self.half * 0.7
            )
            groups.append([Mark(belly, self.belly, clip=body)])
        for side, (lift, swing, _) in zip((1, -1), pose.arms, strict=True):
            at = view.flat((side * self.wide * 0.9, hip + self.half * 1.4, 0.0))
            wing = place(self.wing, *at, -side * view.cos * lift * 0.8 + 0.3 * swing, self.wide * 0.8, self.half * 1.1)
            folds = [
                place(smooth([(-0.3, 0.3 + 0.2 * i), (0.1, 0.45 + 0.2 * i), (0.35, 0.35 + 0.2 * i)], False), *at, 0.2)
                for i in range(self.feathers)
            ]
            feathers = [Mark(place(fold, 0, 0), None, line=0.6, clip=wing) for fold in folds]
            group = [[Mark(wing, self.wing_fill)], *([mark] for mark in feathers)]
            groups = groups + group if view.near((side, 0, 0)) > -0.3 else group + groups
        return groups + self._head(view, crown, pose)

    def _head(self, view: Turntable, crown: Point, pose: Pose) -> list[Group]:
        (x, y), s = crown, self.skull
        groups: list[Group] = []
        for i in range(self.crest):
            plume = place(ellipse(0, -0.6, 0.16, 0.6), x, y - s * 0.8, 0.5 * (i - 1) + pose.sway, s, s)
            groups.insert(0, [Mark(plume, self.wing_fill)])
        if view.cos > -0.5:
            way = view.sin if abs(view.sin) > 0.3 else 0.3 * math.copysign(1, view.sin or 1)
            tip = (x + s * 0.6 * view.sin + way * self.beak, y + s * 0.25)
            gape = 0.3 + 0.5 * pose.mouth
            groups.append(
                [
                    Mark(
                        polygon([(x + s * 0.6 * view.sin, y - s * gape * 0.5), tip, (x, y + s * 0.5 * gape)]),
                        self.beak_fill,
                    )
                ]
            )
        for side in (-1, 1):
            if view.near((side * 0.6, 0, 0.6)) > 0.1:
                ex, ey = view.flat((side * s * 0.55, -y + s * 0.25, s * 0.7))
                groups.append([Mark(ellipse(x + ex, ey, s * 0.25, s * 0.3 * max(pose.lids, 0.2)), self.white)])
                groups.append(
                    [Mark(ellipse(x + ex + 0.05 * s * pose.gaze, ey, s * 0.11, s * 0.14), self.black, solid=True)]
                )
        return groups


class Crawler:
    """A snake, worm or caterpillar: a chain of circles along a wave, with one outline or one each."""

    def __init__(self, rng: Random, palette: Palette) -> None:
        self.fills = [palette.cloth()]
        self.fills += [palette.cloth((self.fills[0],))] if rng.random() < 0.6 else []
        self.black, self.white = palette.add((20, 20, 24)), palette.add((255, 255, 255))
        self.count = rng.randint(4, 11)
        self.thick = rng.uniform(0.1, 0.22)
        self.wave, self.rate = rng.uniform(0.05, 0.3), rng.uniform(0.4, 1.0)
        self.rear = rng.uniform(0.2, 0.6)
        self.joined = rng.random() < 0.5
        self.feet = rng.random() < 0.4
        self.horns = rng.random() < 0.5
        self.stride = rng.uniform(0.5, 1.0)
        kind = "snake" if self.joined else "caterpillar"
        self.name = f"a {palette.name(self.fills[0])} {kind}"

    def groups(self, pose: Pose) -> list[Group]:
        """The crawler in `pose`, from back to front; it shows its side whatever its yaw."""
        way = -1.0 if math.sin(pose.yaw) < 0 else 1.0
        rounds: list[tuple[Point, float]] = []
        for i in range(self.count):
            t = i / (self.count - 1)
            beat = math.sin(pose.clock * self.rate - 5 * t)
            raised = self.rear * max(0.0, t - 0.6) * 2.5
            r = self.thick * (0.5 + 0.5 * min(1.0, t * 2 + 0.2))
            at = (way * (t - 0.5) * self.count * self.thick * 1.1, -r - raised - self.wave * (1 + beat) * 0.5 * (1 - t))
            rounds.append((at, r))
        groups: list[Group] = []
        body: Group = []
        for i, (at, r) in enumerate(rounds):
            if self.feet and not self.joined:
                groups.append([Mark(ellipse(at[0], at[1] + r, r * 0.35, r * 0.3), self.fills[-1])])
            fill = self.fills[i % len(self.fills)]
            if self.joined:
                end = rounds[min(i + 1, len(rounds) - 1)][0]
                body.append(Mark(line(at, end), fill, tube=2 * r))
            else:
                groups.append([Mark(ellipse(*at, r, r), fill)])
        if body:
            groups.append(body)
        (x, y), r = rounds[-1]
        head = r * 1.35
        if self.horns:
            for side in (-0.4, 0.4):
                tip = (x + side * head + 0.3 * head * math.sin(pose.sway), y - head * 1.8)
                groups.append([Mark(line((x + side * head, y - head * 0.6), tip), None)])
                groups.append([Mark(ellipse(*tip, head * 0.18, head * 0.18), self.fills[-1])])
        groups.append([Mark(ellipse(x, y, head, head), self.fills[0])])
        for side in (0.1, 0.6):
            eye = (x + way * side * head, y - head * 0.2)
            groups.append([Mark(ellipse(*eye, head * 0.24, head * 0.3 * max(pose.lids, 0.2)), self.white)])
            groups.append([Mark(ellipse(eye[0] + way * 0.03, eye[1], head * 0.1, head * 0.14), self.black, solid=True)])
        smile = [(x + way * head * 0.1, y + head * 0.4), (x + way * head * 0.5, y + head * 0.5)]
        return [*groups, [Mark(smooth([*smile, (x + way * head * 0.8, y + head * 0.3)], False), None)]]


class ManyLegs:
    """A spider, beetle, crab or octopus: a round body on many limbs."""

    def __init__(self, rng: Random, palette: Palette) -> None:
        self.fill = palette.cloth()
        self.limbs = palette.cloth((self.fill,)) if rng.random() < 0.5 else self.fill
        self.spot_fill = palette.cloth((self.fill,))
        self.black, self.white = palette.add((20, 20, 24)), palette.add((255, 255, 255))
        self.soft = rng.random() < 0.5  # arms of an octopus rather than legs with knees
        self.pairs = rng.randint(2, 4)
        self.wide, self.high = rng.uniform(0.25, 0.45), rng.uniform(0.2, 0.4)
        self.level = rng.uniform(0.3, 0.55)
        self.thick = rng.uniform(0.03, 0.1)
        self.span = rng.uniform(0.3, 0.6)
        self.spots = [(rng.uniform(-0.7, 0.7), rng.uniform(-0.7, 0.3)) for _ in range(rng.choice((0, 2, 5)))]
        self.claws = not self.soft and rng.random() < 0.4
        self.claw = star(rng.randint(3, 5), 0.1, 0.05)
        self.stride = rng.uniform(0.5, 1.0)
        self.name = f"a {palette.name(self.fill)} {'octopus' if self.soft else 'beetle'}"

    def groups(self, pose: Pose) -> list[Group]:
        """The creature in `pose`, from back to front."""
        level = self.level * (1 - 0.3 * pose.crouch) + 0.03 * math.sin(4 * math.pi * pose.cycle) * pose.gait
        middle = (0.1 * pose.sway, -level - self.high * 0.5)
        groups: list[Group] = []
        for side in (-1, 1):
            for i in range(self.pairs):
                t = (i + 0.6) / self.pairs
                ahead, up = step(pose.cycle + 0.5 * (i % 2) + 0.25 * side, 0.2 * pose.gait, 0.12 * pose.gait)
                root = (middle[0] + side * self.wide * 0.7 * t, middle[1] + self.high * 0.5)
                foot = (side * (self.wide * 0.4 + self.span * t) + ahead, -up - self.thick * 0.5)
                lift = 0.1 + 0.25 * t + 0.1 * math.sin(pose.clock * 0.7 + 2 * i + side) * self.soft
                joint = ((root[0] + foot[0]) / 2 + side * 0.08, min(root[1], foot[1]) - lift)
                leg = Mark(bent(root, joint, foot, self.soft), self.limbs, tube=self.thick)
                groups.append([leg])
                if self.claws and i == self.pairs - 1:
                    groups.append([Mark(place(self.claw, foot[0], joint[1], side + 0.2 * pose.clock), self.spot_fill)])
        body = ellipse(*middle, self.wide, self.high)
        groups.append([Mark(body, self.fill)])
        for dx, dy in self.spots:
            spot = ellipse(middle[0] + dx * self.wide, middle[1] + dy * self.high, self.wide * 0.16, self.high * 0.2)
            groups.append([Mark(spot, self.spot_fill, line=0.8, clip=body)])
        face = 0.6 * self.wide * math.sin(pose.yaw)
        if math.cos(pose.yaw) > -0.4:
            for beside in (-0.3, 0.3):
                eye = (middle[0] + face + beside * self.wide, middle[1] - self.high * 0.3)
                groups.append([Mark(ellipse(*eye, 0.09, 0.1 * max(pose.lids, 0.2)), self.white)])
                groups.append([Mark(ellipse(eye[0] + 0.03 * pose.gaze, eye[1], 0.04, 0.05), self.black, solid=True)])
            mouth = [
                (middle[0] + face + dx, middle[1] + self.high * (0.3 + dy))
                for dx, dy in ((-0.1, 0), (0, 0.15), (0.1, 0))
            ]
            groups.append([Mark(smooth(mouth, False), None)])
        return groups
