# SPDX-License-Identifier: GPL-3.0-or-later
"""Animals on four legs, and animals with wings or fins.

Units as in `humanoid`: 1 high, standing on y = 0.
"""

from __future__ import annotations

import math
from random import Random

from server.training.cartoon.motion import Pose, knee, step
from server.training.cartoon.palette import Palette
from server.training.cartoon.render import Group, Mark
from server.training.cartoon.shapes import bent, blob, ellipse, line, place, polygon, smooth
from server.training.cartoon.turntable import Spot, Turntable


class Beast:
    """A four-legged animal: dog, horse, cow, or something between."""

    def __init__(self, rng: Random, palette: Palette) -> None:
        self.fur = palette.hair() if rng.random() < 0.5 else palette.cloth()
        self.other = palette.cloth((self.fur,))
        self.black, self.white = palette.add((20, 20, 24)), palette.add((255, 255, 255))
        self.leg = rng.uniform(0.25, 0.5)
        self.deep = rng.uniform(0.1, 0.2)  # half thickness of the body
        self.long = rng.uniform(0.25, 0.5)  # half length of the body
        self.thick = rng.uniform(0.03, 0.06)
        self.rise = rng.uniform(0.05, 0.3)
        self.skull = rng.uniform(0.1, 0.2)
        self.snout = rng.uniform(0.08, 0.22)
        self.ear = rng.choice(("point", "flop", "none"))
        self.tail = rng.uniform(0.15, 0.5)
        self.tail_wide = rng.uniform(0.02, 0.07)
        self.paws = rng.random() < 0.5
        self.collar = palette.maybe(0.4, (self.fur,))
        self.merged = rng.random() < 0.6  # body, legs and neck under one outline
        self.spots = [
            place(blob(rng, 0.08, 0.06, 0.3), rng.uniform(-1, 1) * self.long, rng.uniform(-0.7, 0.7) * self.deep)
            for _ in range(rng.choice((0, 0, 3, 5)))
        ]
        self.shade = palette.shade(self.fur, 0.7) if palette.shaded else None
        self.stride = 4 * 0.4 * self.leg
        self.name = f"a {palette.name(self.fur)} {rng.choice(('dog', 'horse', 'cat', 'animal'))}"

    def groups(self, pose: Pose) -> list[Group]:
        """Return the animal in `pose`, from back to front."""
        view = Turntable.facing(pose.yaw)
        layers: list[tuple[float, Group]] = []
        hip = self.leg * (1.0 - 0.3 * pose.crouch) + 0.02 * math.sin(4 * math.pi * pose.cycle) * pose.gait
        for i, (ahead, out) in enumerate(((0.8, 1), (0.8, -1), (-0.8, 1), (-0.8, -1))):
            layers.append(
                self._leg(view, pose, (out * self.deep * 0.6, hip, ahead * self.long), (0, 0.5, 0.55, 0.05)[i])
            )
        mid = hip + self.deep * 0.7
        chest, rump = (0.0, mid, self.long), (0.0, mid, -self.long)
        trunk = line(view.flat(rump), view.flat(chest))
        body = [Mark(trunk, self.fur, tube=2 * self.deep)]
        sign = 1 if view.near((0, 0, 1)) > 0 else -1
        crown = (0.0, mid + self.deep + self.rise, self.long * 1.25)
        neck = Mark(line(view.flat((0, mid, self.long * 0.9)), view.flat(crown)), self.fur, tube=self.deep * 1.1)
        if self.merged:
            far = [layer for layer in layers if layer[0] < 0]
            near = [layer for layer in layers if layer[0] >= 0]
            groups = [group for _, group in sorted(far, key=lambda layer: layer[0])]
            groups.append([*body, neck, *(mark for _, group in near for mark in group)])
        else:
            layers.append((0.0, body))
            layers.append((sign * 0.01, [neck]))
            groups = [group for _, group in sorted(layers, key=lambda layer: layer[0])]
        rx = self.long * abs(view.sin) + self.deep
        clip = place(ellipse(0, 0, 1, 1), 0, -mid, 0, rx, self.deep)
        spots = [place(spot, 0, -mid, 0, math.copysign(max(abs(view.sin), 0.3), view.sin)) for spot in self.spots]
        groups += [[Mark(spot, self.other, clip=clip)] for spot in spots]
        wag = 0.5 * math.sin(pose.clock * 1.1) + pose.sway
        tip: Spot = (wag * self.tail * 0.5, mid + self.tail * 0.8, -self.long * 1.05 - self.deep - self.tail * 0.4)
        root: Spot = (0.0, mid + self.deep * 0.3, -self.long - self.deep * 0.7)
        tail = bent(view.flat(root), view.flat((tip[0], root[1], tip[2])), view.flat(tip), True)
        groups.insert(0 if view.cos > -0.2 else len(groups), [Mark(tail, self.fur, tube=self.tail_wide * 2)])
        if self.collar is not None:
            at = view.flat((0.0, mid + self.deep * 0.5 + self.rise * 0.4, self.long * 1.05))
            groups.append([Mark(ellipse(*at, self.deep * 0.62, self.deep * 0.25), self.collar)])
        head = self._head(view, crown, pose)
        return [*groups, *head] if view.cos > -0.5 else [*head, *groups]

    def _leg(self, view: Turntable, pose: Pose, hip: Spot, phase: float) -> tuple[float, Group]:
        ahead, up = step(pose.cycle + phase, self.stride / 4 * pose.gait, 0.2 * self.leg)
        half = self.leg * 0.53
        up *= min(1.0, pose.gait * 4)
        joint, foot = knee((hip[2], hip[1]), (hip[2] + ahead, up + self.thick), half, half, -math.copysign(1, hip[2]))
        spots = [view.flat((hip[0], u, f)) for f, u in ((hip[2], hip[1]), joint, foot)]
        group = [Mark(bent(spots[0], spots[1], spots[2], False), self.fur, tube=2 * self.thick)]
        if self.paws:
            x, y = spots[2]
            group.append(Mark(ellipse(x + view.sin * self.thick * 0.5, y, self.thick * 1.5, self.thick), self.fur))
        return view.near(hip), group

    def _head(self, view: Turntable, crown: Spot, pose: Pose) -> list[Group]:
        s = self.skull
        x, y = view.flat(crown)
        groups: list[Group] = []
        muzzle = view.flat((0.0, crown[1] - s * 0.35, crown[2] + s * 0.4 + self.snout))
        ears: list[Group] = []
        for side in (-1, 1):
            ear = view.flat((side * s * 0.7, crown[1] + s * 0.6, crown[2] - s * 0.2))
            if self.ear == "point":
                path = place(polygon([(-0.4, 0.2), (0, -1.1), (0.4, 0.2)]), *ear, 0.2 * side, s, s)
            else:
                path = place(ellipse(0, 0.5, 0.35, 0.9), ear[0], ear[1], -0.3 * side * view.cos, s, s)
            if self.ear != "none":
                ears.append([Mark(path, self.other if self.ear == "flop" else self.fur)])
        groups += ears[:1]
        skull = Mark(ellipse(x, y, s, s * 0.95), self.fur)
        jaw = Mark(line((x, y + s * 0.3), muzzle), self.fur, tube=s * 0.95)
        groups.append([jaw, skull] if view.cos < 0.5 else [skull])
        if view.cos >= 0.5:
            groups.append([jaw])
        nose = ellipse(muzzle[0] + view.sin * s * 0.35, muzzle[1] - s * 0.15, s * 0.2, s * 0.15)
        if view.cos > -0.5:
            groups.append([Mark(nose, self.black, solid=True)])
        for side in (-1, 1):
            spot: Spot = (side * s * 0.5, crown[1] + s * 0.2, crown[2] + s * 0.75)
            if view.near((spot[0], 0, s * 0.75)) > 0:
                ex, ey = view.flat(spot)
                white = ellipse(ex, ey, s * 0.22, s * 0.26 * max(pose.lids, 0.15))
                groups.append([Mark(white, self.white)])
                groups.append(
                    [Mark(ellipse(ex + view.sin * s * 0.06, ey, s * 0.1, s * 0.13), self.black, solid=True, clip=white)]
                )
        return groups + ears[1:]


class Flyer:
    """A bird, a fish, a butterfly, or a mix of them: a body with a tail and fins or wings that flap."""

    def __init__(self, rng: Random, palette: Palette) -> None:
        self.fill = palette.cloth()
        self.fins = palette.cloth((self.fill,)) if rng.random() < 0.7 else self.fill
        self.beak = palette.near((245, 180, 60))
        self.belly = palette.maybe(0.5, (self.fill,))
        self.black, self.white = palette.add((20, 20, 24)), palette.add((255, 255, 255))
        self.shade = palette.shade(self.fill, 0.7) if palette.shaded else None
        long, high = rng.uniform(0.3, 0.55), rng.uniform(0.15, 0.35)
        points = [(long, -high * 0.2), (long * 0.5, -high), (-long * 0.4, -high * 0.7), (-long, 0.0)]
        points += [(-long * 0.4, high * 0.7), (long * 0.5, high)]
        self.body, self.long, self.high = smooth(points), long, high
        span = rng.uniform(0.3, 0.9)
        self.wing = smooth([(0.12, 0.0), (0.2, -span * 0.5), (0.0, -span), (-0.2, -span * 0.6), (-0.15, 0.0)])
        fork = rng.uniform(0.0, 0.15)
        self.tail = polygon([(0.05, 0.0), (-0.3, -0.2), (-0.3 + fork, 0.0), (-0.3, 0.2)])
        self.stripes = rng.choice((0, 0, 2, 3))
        self.beaked = rng.random() < 0.5
        self.rate = rng.uniform(0.6, 1.6)
        self.height = rng.choice((0.0, rng.uniform(0.3, 1.0)))
        self.stride = rng.uniform(0.6, 1.4)
        self.name = f"a {palette.name(self.fill)} {'bird' if self.beaked else 'fish'}"

    def groups(self, pose: Pose) -> list[Group]:
        """Return the flyer in `pose`, from back to front. It shows its side whatever its yaw."""
        way = -1.0 if math.sin(pose.yaw) < 0 else 1.0
        y = -0.5 - self.height - 0.06 * math.sin(pose.clock * 0.5)
        beat = math.sin(pose.clock * self.rate)
        body = place(self.body, 0, y, 0, way)
        tail = place(self.tail, -way * self.long * 0.85, y, 0.25 * beat * way, way)
        far = place(self.wing, way * 0.05, y - self.high * 0.3, way * 0.3, way, beat * 0.9)
        near = place(self.wing, -way * 0.05, y, -way * 0.1, way, beat)
        groups = [[Mark(far, self.fins)], [Mark(tail, self.fins)]]
        if self.beaked:
            beak = [(self.long * 0.9, -0.08), (self.long * 1.3, 0.0), (self.long * 0.9, 0.08)]
            groups.append([Mark(place(polygon(beak), 0, y, 0, way), self.beak)])
        groups.append([Mark(body, self.fill, shade=self.shade)])
        if self.belly is not None:
            belly = place(ellipse(0.1, self.high, self.long * 0.8, self.high * 0.8), 0, y, 0, way)
            groups.append([Mark(belly, self.belly, clip=body)])
        for i in range(self.stripes):
            stripe = place(ellipse(-0.2 * i, 0, 0.04, 1), 0, y, 0, way)
            groups.append([Mark(stripe, self.fins, line=0.7, clip=body)])
        eye = (way * self.long * 0.65, y - self.high * 0.35)
        groups.append([Mark(ellipse(*eye, 0.06, 0.06 * max(pose.lids, 0.2)), self.white)])
        groups.append([Mark(ellipse(*eye, 0.025, 0.03), self.black, solid=True)])
        return [*groups, [Mark(near, self.fins)]]
