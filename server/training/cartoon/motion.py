# SPDX-License-Identifier: GPL-3.0-or-later
"""The motion of an actor over a clip: one pose per drawing, one drawing per twelfth of a second."""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

from server.training.cartoon.shapes import Point

SIDE = math.pi / 2
Arm = tuple[float, float, float]
_HANGING: Arm = (0.2, 0.0, 0.2)


class Pose(NamedTuple):
    """The pose of an actor in one drawing.

    Attributes:
        x, y: where it stands, in frame heights from the upper left corner.
        yaw: where it faces: 0 at the viewer, +90° right, -90° left, ±180° away.
        tilt: rotation on screen, radians clockwise.
        squash: stretch of its height; the width compensates for it.
        lift: height above the ground in body heights.
        cycle: phase of its gait, one per double step.
        gait: length of its steps relative to its longest, 0 when it stands.
        arms: (raise sideways, swing forward, bend) in radians of the left and the right arm.
        crouch: bend of the knees, 0..1.
        mouth, lids: how far open, 0..1.
        gaze: shift of the pupils, -1..1.
        clock: number of the drawing, for parts that swing by themselves.
        sway: how far loose parts lag to the right, in radians; they follow the walk like a spring.
    """

    x: float
    y: float
    yaw: float = 0.0
    tilt: float = 0.0
    squash: float = 1.0
    lift: float = 0.0
    cycle: float = 0.0
    gait: float = 0.0
    arms: tuple[Arm, Arm] = (_HANGING, _HANGING)
    crouch: float = 0.0
    mouth: float = 0.3
    lids: float = 1.0
    gaze: float = 0.0
    clock: int = 0
    sway: float = 0.0


def perform(
    rng: Random, plan: str, drawings: int, aspect: float, size: float, start: Point, stride: float
) -> list[Pose]:
    """Return the poses of an actor `size` frame heights tall, one per drawing.

    Args:
        plan: "wander" about; "cross" the frame, leave it and return; "leave" it for long, 25 to 150 drawings; "meet":
            go to the other side and back; or "stay" and move on the spot.
        aspect: width of the frame in frame heights.
        start: its first position, in frame heights.
        stride: length of a full double step in body heights.
    """
    actor = _Actor(rng, Pose(*start), size, stride)
    edge = {"cross": -0.4 * size, "leave": -0.7 * size - 0.2, "meet": 0.15 * aspect}.get(plan, 0.0)
    poses: list[Pose] = []
    first = rng.randint(0, 12)  # the clip may begin in the middle of a motion
    while len(poses) < drawings + first:
        if plan == "leave":
            poses += actor.walk(rng.uniform(0.2, 0.8) * aspect)
            for _ in range(rng.randint(1, 3)):
                poses += rng.choice((actor.idle, actor.jump, actor.turn))(rng.randint(6, 14))
            poses += actor.walk(rng.choice((aspect - edge, edge)))
            poses += actor.idle(rng.randint(25, 150))
        elif plan in ("cross", "meet"):
            poses += actor.walk(aspect - edge if actor.pose.x < aspect / 2 else edge)
            poses += actor.idle(rng.randint(2, 12))
        elif plan == "stay":
            poses += rng.choice((actor.idle, actor.jump, actor.idle, actor.turn, actor.flip))(rng.randint(6, 16))
        elif rng.random() < 0.5:
            poses += actor.walk(rng.uniform(-0.1, 1.1) * aspect)
        else:
            poses += rng.choice((actor.idle, actor.jump, actor.turn, actor.flip))(rng.randint(5, 14))
    return _swayed(poses[first : first + drawings], size)


def choose_holds(rng: Random, count: int) -> list[int]:
    """Return for how many frames each of `count` drawings is shown: runs on ones, twos, threes, rarely a long hold."""
    holds: list[int] = []
    while len(holds) < count:
        holds += [rng.choice((1, 2, 2, 2, 3))] * rng.randint(4, 30)
        holds[-1] = rng.choice((holds[-1], holds[-1], rng.randint(4, 16)))
    return holds[:count]


def _swayed(poses: list[Pose], size: float) -> list[Pose]:
    """Return the poses with loose parts on a damped spring, which every change of speed and tilt pushes."""
    swayed, angle, speed = [], 0.0, 0.0
    for before, pose in zip([poses[0], *poses], poses, strict=False):
        pull = -2.0 * (pose.x - before.x) / size - 0.3 * (pose.lift - before.lift) - 0.4 * (pose.tilt - before.tilt)
        speed = 0.65 * speed - 0.5 * angle + pull
        angle = max(-0.9, min(0.9, angle + speed))
        swayed.append(pose._replace(sway=angle))
    return swayed


class _Actor:
    def __init__(self, rng: Random, pose: Pose, size: float, stride: float) -> None:
        self.rng, self.size = rng, size
        self.pose = pose._replace(yaw=rng.choice((rng.uniform(-0.6, 0.6), rng.uniform(-1.5, 1.5))))
        self.stride = stride * size
        self.blink = rng.randint(11, 30)
        self.pace = rng.choice((8, 10, 12, 12, 14, 16))  # drawings per double step
        self.side = rng.choice((SIDE, 1.2, 0.9))  # how far it turns to walk
        self.bounce = rng.choice((0.0, 0.03, 0.08))
        self.habit = rng.choice(("swing", "swing", "still", "up"))

    def _next(self, **changes: Any) -> Pose:
        clock = self.pose.clock + 1
        self.pose = self.pose._replace(clock=clock, lids=0.1 if clock % self.blink < 2 else 1.0, **changes)
        return self.pose

    def _toward(self, yaw: float) -> float:
        """Return the yaw one drawing nearer to `yaw`."""
        step = 0.75
        return self.pose.yaw + max(-step, min(step, yaw - self.pose.yaw))

    def walk(self, target: float) -> Iterator[Pose]:
        """Walks to x = `target`, sometimes at a run."""
        run = self.rng.random() < 0.25
        gait = self.rng.uniform(0.85, 1.0) if run else self.rng.uniform(0.45, 0.85)
        pace = max(6, self.pace - 4) if run else self.pace
        speed = self.stride * gait / pace * (1.3 if run else 1.0)
        direction = math.copysign(1, target - self.pose.x)
        bend, reach = (1.4, 1.0) if run else (0.3, 0.6)
        while (target - self.pose.x) * direction > 0:
            cycle = self.pose.cycle + 1 / pace
            swing = reach * gait * math.sin(2 * math.pi * cycle)
            arms = {
                "swing": ((0.15, -swing, bend), (0.15, swing, bend)),
                "still": ((0.1, -swing * 0.2, 0.2), (0.1, swing * 0.2, 0.2)),
                "up": ((2.2, swing * 0.2, 0.3), (2.2, -swing * 0.2, 0.3)),
            }[self.habit]
            hop = math.sin(4 * math.pi * cycle)
            yield self._next(
                x=self.pose.x + direction * speed,
                yaw=self._toward(direction * self.side),
                cycle=cycle,
                gait=gait,
                arms=arms,
                squash=1 + self.bounce * hop,
                lift=max(0.0, hop) * (0.06 if run else 0.0),
                tilt=direction * (0.15 if run else 0.03),
                crouch=0.0,
                mouth=0.2,
            )

    def idle(self, count: int) -> Iterator[Pose]:
        """Stands, and waves, points, talks or looks around."""
        gesture = self.rng.choice(("wave", "talk", "point", "rest", "cheer", "dance"))
        yaw = self.rng.uniform(-0.7, 0.7) if self.rng.random() < 0.7 else self.pose.yaw
        speed = self.rng.uniform(0.5, 1.3)
        hand = self.rng.randrange(2)
        for i in range(count):
            beat = math.sin(speed * i)
            arms: list[Arm] = [(0.15, 0.05 * beat, 0.15)] * 2
            tilt = crouch = 0.0
            if gesture == "wave":
                arms[hand] = (2.3 + 0.3 * beat, 0.2, 0.5 + 0.6 * beat)
            elif gesture == "talk":
                arms = [(0.3, 0.5 + 0.4 * beat, 1.2), (0.3, 0.5 - 0.5 * beat, 1.3)]
            elif gesture == "point":
                arms[hand] = (1.3 + 0.1 * beat, 0.4, 0.05)
            elif gesture == "cheer":
                arms = [(2.6 + 0.3 * beat, 0, 0.2)] * 2
                crouch = 0.3 + 0.3 * beat
            elif gesture == "dance":
                arms = [(1.2 + 0.8 * beat, 0, 0.8), (1.2 - 0.8 * beat, 0, 0.8)]
                tilt, crouch = 0.2 * beat, 0.3 - 0.3 * math.cos(2 * speed * i)
            yield self._next(
                yaw=self._toward(yaw),
                gait=self.pose.gait * 0.4,
                arms=tuple(arms),
                tilt=tilt,
                crouch=crouch,
                squash=1 + 0.02 * beat,
                lift=0.0,
                mouth=abs(beat) if gesture in ("talk", "cheer") else 0.3,
                gaze=beat if gesture == "rest" else 0.0,
            )

    def jump(self, count: int) -> Iterator[Pose]:
        """Crouches, leaps and lands, with squash and stretch."""
        height, ahead = self.rng.uniform(0.15, 0.6), self.rng.uniform(-0.03, 0.03) * self.size
        stretch = self.rng.uniform(0.05, 0.3)
        for i in range(count):
            t = (i + 1) / count
            air = max(0.0, math.sin(math.pi * (t - 0.2) / 0.65)) if 0.2 < t < 0.85 else 0.0
            ground = air == 0.0 and t < 1
            yield self._next(
                x=self.pose.x + (ahead if air else 0),
                lift=height * air,
                squash=1 - stretch if ground else 1 + stretch * (1 - air),
                crouch=0.7 if ground else 0.15,
                arms=((0.3, -0.6, 0.3) if ground else (1.2 + 1.2 * air, 0.2, 0.3),) * 2,
                gait=0.0,
                tilt=0.0,
                mouth=0.9 * air,
            )

    def turn(self, count: int) -> Iterator[Pose]:
        """Turns to another side, sometimes all the way around."""
        target = self.rng.choice((-SIDE, SIDE, 0.0, math.pi, self.pose.yaw + 2 * math.pi))
        start = self.pose.yaw
        steps = max(2, count // 2)
        for i in range(steps):
            yield self._next(yaw=start + (target - start) * (i + 1) / steps, gait=0.0, lift=0.0, squash=1.0, tilt=0.0)
        yield self._next(yaw=(target + math.pi) % (2 * math.pi) - math.pi)

    def flip(self, count: int) -> Iterator[Pose]:
        """A somersault, or a lean if the actor is no acrobat."""
        full = self.rng.random() < 0.2
        way = self.rng.choice((-1, 1))
        for i in range(count):
            t = (i + 1) / count
            tilt = way * (2 * math.pi * t if full else 0.4 * math.sin(math.pi * t))
            air = math.sin(math.pi * t) if full else 0.0
            yield self._next(tilt=tilt, lift=0.5 * air, gait=0.0, squash=1.0, arms=((1.0, 0.3, 0.4),) * 2)
        yield self._next(tilt=0.0, lift=0.0)


def knee(hip: Point, foot: Point, upper: float, lower: float, way: float = 1.0) -> tuple[Point, Point]:
    """Inverse kinematics of a leg in the (forward, up) plane. Returns the knee, and the foot moved within reach.

    `way` is +1 for a joint that bends forward, -1 for one that bends back.
    """
    df, du = foot[0] - hip[0], foot[1] - hip[1]
    distance = math.hypot(df, du) or 1e-6
    reach = min(distance, (upper + lower) * 0.999)
    df, du = df * reach / distance, du * reach / distance
    along = (upper**2 - lower**2 + reach**2) / (2 * reach)
    out = way * math.sqrt(max(0.0, upper**2 - along**2))
    joint = (hip[0] + df / reach * along - du / reach * out, hip[1] + du / reach * along + df / reach * out)
    return joint, (hip[0] + df, hip[1] + du)


def step(phase: float, length: float, height: float) -> Point:
    """Return where a foot is (forward, up) relative to the point below its hip: half the cycle on the ground, half in
    the air."""
    phase %= 1.0
    if phase < 0.5:
        return length * (1 - 4 * phase), 0.0
    swing = (phase - 0.5) * 2
    return -length * math.cos(math.pi * swing), height * math.sin(math.pi * swing)
