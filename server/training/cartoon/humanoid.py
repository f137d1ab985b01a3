# SPDX-License-Identifier: GPL-3.0-or-later
"""People, robots and other two-legged figures: a three-dimensional bone tree, dressed with flat parts.

Units: the figure is 1 high, its feet at y = 0 and its head toward y = -1, as on the screen.
"""

from __future__ import annotations

import math
from random import Random

from server.training.cartoon.clothes import Clothes
from server.training.cartoon.faces import Face
from server.training.cartoon.head import Head
from server.training.cartoon.motion import Pose, knee, step
from server.training.cartoon.palette import Palette
from server.training.cartoon.props import make_hand, make_prop
from server.training.cartoon.render import Group, Mark
from server.training.cartoon.shapes import Point, bent, between, box, cuff, ellipse, line, place
from server.training.cartoon.turntable import Spot, Turntable

Layers = list[tuple[float, Group]]
"""Groups, each with its nearness to the viewer."""


class Humanoid:
    """One figure. Its proportions and clothes are chosen once, and `groups` draws it in any pose.

    A `plain` figure has dots for eyes and nothing on its clothes, as small figures in a frame are drawn.
    """

    def __init__(self, rng: Random, palette: Palette, robot: bool = False, plain: bool = False) -> None:
        self.head = rng.choice((rng.uniform(0.13, 0.2), rng.uniform(0.2, 0.35), rng.uniform(0.35, 0.5)))
        rest = 1 - self.head
        self.leg = rest * rng.uniform(0.42, 0.62)
        self.neck = rest * rng.uniform(0.02, 0.07)
        self.torso = rest - self.leg - self.neck
        self.arm = self.torso * rng.uniform(0.85, 1.35)
        self.wide = rng.uniform(0.06, 0.13) * (1 + 0.6 * self.head)
        self.hips = self.wide * rng.uniform(0.55, 1.1)
        self.deep = rng.uniform(0.55, 0.95)  # side view's width against the front's
        self.thick = self.wide * rng.uniform(0.3, 0.6)
        self.limb = self.thick * rng.uniform(0.65, 1.0)
        self.taper = rng.choice((1.0, rng.uniform(0.6, 1.3)))  # width of forearm and calf against upper arm and thigh
        self.soft = self.taper == 1.0 and rng.random() < 0.5
        self.stride = 4 * 0.5 * self.leg * rng.uniform(0.7, 1.0)
        self.foot = rng.uniform(0.5, 1.1) * self.thick + 0.02
        self.skin = palette.cloth() if robot else palette.skin()
        self.clothes = Clothes(rng, palette, self.skin, self.wide, self.hips, self.torso, self.leg, robot)
        self.hand = make_hand(rng, plain)
        self.prop = make_prop(rng, palette) if rng.random() < 0.35 else None
        self.face = Head(rng, palette, self.skin, self.head, robot)
        if plain:
            self.clothes.patterns.clear()
            self.face.features.simplify()
        noun = "robot" if robot else rng.choice(("girl", "boy", "woman", "man", "kid"))
        hair = f" with {palette.name(self.face.hair_fill)} hair" if self.face.hair else ""
        build = "small round " if self.head > 0.33 else "tall " if self.head < 0.18 else ""
        clothes = self.clothes
        below = "" if clothes.skirt else f" and {palette.name(clothes.trousers)} trousers"
        self.name = f"a {build}{noun}{hair} in a {palette.name(clothes.shirt)} {clothes.top}{below}"

    def groups(self, pose: Pose) -> list[Group]:
        """The figure in `pose`, from back to front."""
        view, clothes = Turntable.facing(pose.yaw), self.clothes
        frontal = abs(view.sin) < 0.5
        bob = 0.04 * pose.gait * math.cos(4 * math.pi * pose.cycle) - 0.25 * pose.crouch
        hip = self.leg * (0.97 + bob - 0.05 * pose.gait)
        base = (0.02 * math.sin(2 * math.pi * pose.cycle) * pose.gait, -hip)
        wide = math.hypot(view.cos, view.sin * self.deep)
        shoulder, top = hip + self.torso * 0.9, hip + self.torso + self.neck

        layers: Layers = []
        legs = [self._leg(view, pose, side, phase, hip) for side, phase in ((1, pose.cycle), (-1, pose.cycle + 0.5))]
        if clothes.seamless and frontal and clothes.trouser == 1:  # one outline around both trouser legs
            layers.append((-0.01, [mark for _, group in legs[0][-1:] + legs[1][-1:] for mark in group]))
            legs = [leg[:-1] for leg in legs]
        layers += legs[0] + legs[1]
        trunk = [Mark(place(clothes.trunk, *base, sx=wide), clothes.shirt, shade=clothes.shade)]
        layers.append((0.0, trunk))
        layers += [(0.001 + i * 1e-4, [mark]) for i, mark in enumerate(clothes.details(view, base, wide))]
        layers += clothes.wraps(view, base, wide, pose)
        arms = [self._arm(view, side, angles, shoulder) for side, angles in zip((1, -1), pose.arms, strict=True)]
        if clothes.seamless and frontal and clothes.sleeve == 1:  # sleeves join the coat
            trunk += [mark for arm in arms for mark in arm.pop()[1]]
        layers += arms[0] + arms[1]
        neck = line(view.flat((0, shoulder, 0)), view.flat((0, top + self.head * 0.2, 0)))
        layers.append((-0.001, [Mark(neck, self.skin, tube=self.wide * 0.55)]))
        layers.sort(key=lambda layer: layer[0])

        face = Face.of(pose)
        split = next((i for i, layer in enumerate(layers) if layer[0] > self.wide * 0.9), len(layers))
        body = [group for _, group in layers]
        head = self.face.before(0.0, -top, face)
        return [*self.face.behind(0.0, -top, face), *body[:split], *head, *body[split:]]

    def _leg(self, view: Turntable, pose: Pose, side: int, phase: float, hip: float) -> Layers:
        """Return one leg. Its trousers come last."""
        clothes, wide = self.clothes, 2 * self.thick
        ahead, up = step(phase, self.stride / 4 * pose.gait, 0.22 * self.leg * pose.gait)
        out = side * max(self.hips - self.thick * 0.5, self.thick * 0.45)
        half = self.leg * 0.5
        joint, foot = knee((0.0, hip), (ahead, up + self.thick * 0.3), half, half)
        a, b, c = (view.flat((out, u, f)) for f, u in ((0.0, hip), joint, foot))
        depth = view.near((out, 0, joint[0] * 0.3)) * 0.5 - 0.02
        toe = view.flat((out, foot[1], foot[0] + self.foot * 0.5))
        drop = math.atan2(up, 0.4) * math.copysign(1, view.sin)
        rx = self.foot * math.hypot(view.sin, 0.65 * view.cos) + self.thick * 0.4
        shoe = place(ellipse(0, 0, rx, self.thick * 0.8), toe[0], toe[1] + self.thick * 0.2, drop)
        layers: Layers = [(depth - 0.001, [Mark(shoe, clothes.shoes, solid=clothes.black_shoes)])]
        if clothes.sole is not None:
            sole = place(box(-1, self.thick * 0.3, 1, 1), toe[0], toe[1] + self.thick * 0.2, drop)
            layers.append((depth - 0.0009, [Mark(sole, clothes.sole, clip=shoe)]))
        if clothes.trouser < 1:
            layers.append((depth, self._limb(a, b, c, self.skin, wide * 0.85)))
        if clothes.sock is not None:
            sock = line(between(b, c, 1 - clothes.sock_high), c)
            layers.append((depth + 1e-6, [Mark(sock, clothes.sock, tube=wide * self.taper * 1.05)]))
        if 0 < clothes.trouser < 1:
            shorts = cuff(a, between(a, b, 0.9), wide, wide * clothes.flare)
            layers.append((depth + 1e-5, [Mark(shorts, clothes.trousers)]))
        if clothes.trouser == 1:
            layers.append((depth + 1e-5, self._limb(a, b, c, clothes.trousers, wide, clothes.black_trousers)))
        return layers

    def _arm(self, view: Turntable, side: int, angles: tuple[float, float, float], shoulder: float) -> Layers:
        """Return one arm. Its sleeve comes last."""
        clothes, wide = self.clothes, 2 * self.limb
        lift, swing, bend = angles
        start = (side * (self.wide - self.limb * 0.3), shoulder - self.limb * 0.3, 0.0)
        middle = _along(start, side, lift, swing, self.arm / 2)
        end = _along(middle, side, lift + bend * (0.7 if lift > 0.8 else 0.1), swing + bend, self.arm / 2)
        a, b, c = view.flat(start), view.flat(middle), view.flat(end)
        depth = view.near((start[0], 0, (middle[2] + end[2]) / 2))
        depth += 0.003 if depth > -0.2 * self.wide else -0.1 * self.wide
        lean = math.atan2(c[1] - b[1], c[0] - b[0]) - math.pi / 2
        hand = place(self.hand, *c, lean, self.limb * (side if view.cos > 0 else -side), self.limb)
        layers: Layers = [(depth + 1e-5, [Mark(hand, clothes.hands)])]
        if self.prop is not None and side == 1:
            moved = [mark.moved(*c, lean) for mark in self.prop]
            layers[0:0] = [(depth - 1e-5 + i * 1e-7, [mark]) for i, mark in enumerate(moved)]
        if clothes.sleeve < 1:
            layers.append((depth, self._limb(a, b, c, self.skin, wide * 0.85)))
        if clothes.cuffs is not None:
            band = cuff(between(b, c, 0.75), c, wide * self.taper * 1.15, wide * self.taper * 1.25)
            layers.append((depth + 2e-5, [Mark(band, clothes.cuffs)]))
        if 0 < clothes.sleeve < 1:
            layers.append(
                (depth + 3e-5, [Mark(cuff(a, between(a, b, 0.9), wide, wide * clothes.flare), clothes.shirt)])
            )
        if clothes.sleeve == 1:
            layers.append((depth, self._limb(a, b, c, clothes.shirt, wide)))
        return layers

    def _limb(self, a: Point, b: Point, c: Point, fill: int, wide: float, solid: bool = False) -> Group:
        """Return the upper and lower half with one outline."""
        if self.taper == 1.0:
            return [Mark(bent(a, b, c, self.soft), fill, tube=wide, solid=solid)]
        lower = Mark(line(b, c), fill, tube=wide * self.taper, solid=solid)
        return [Mark(line(a, b), fill, tube=wide, solid=solid), lower]


def _along(start: Spot, side: int, lift: float, swing: float, length: float) -> Spot:
    """Return the end of a bone that hangs from `start`, raised sideways by `lift` and forward by `swing` radians."""
    down = math.cos(lift)
    return (
        start[0] + side * math.sin(lift) * length,
        start[1] - down * math.cos(swing) * length,
        start[2] + math.sin(swing) * max(abs(down), 0.3) * length,
    )
