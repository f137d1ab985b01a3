# SPDX-License-Identifier: GPL-3.0-or-later
"""How a toon acts: the stance of a body for a cartoon's pose, with turns and gestures of its own in between."""

from __future__ import annotations

import math
from random import Random
from typing import Any

from server.training.cartoon.motion import Pose, step
from server.training.toons.rig import Stance

_ACTS = {"": 5.0, "look": 2.0, "pose": 3.0, "sit": 1.0, "kneel": 0.7, "kick": 0.8}
_EASE = 5
"""Drawings in which a gesture begins and ends."""


class Acting:
    """The habits of one figure. stride: length of a double step, in lengths of a leg."""

    def __init__(self, rng: Random) -> None:
        self._seed = rng.getrandbits(32)
        self._span = rng.randint(2 * _EASE + 2, 30)
        self._reach = rng.uniform(0.3, 0.55)
        self._knees = rng.uniform(0.08, 0.3)
        self._slouch = rng.uniform(-0.08, 0.2)
        self._lively = rng.uniform(0.5, 1.3)
        self.stride = 4 * self._reach

    def stance(self, pose: Pose) -> Stance:
        """Return the stance of a pose, with the gesture of this part of the clip."""
        base = self._walk(pose)
        number, at = divmod(pose.clock, self._span)
        share = min(1.0, (at + 1) / _EASE, (self._span - at) / _EASE)
        rng = Random(self._seed + number)
        act = rng.choices(tuple(_ACTS), tuple(_ACTS.values()))[0]
        if not act:
            return base
        if act in ("sit", "kneel", "kick"):
            share *= max(0.0, 1 - 4 * pose.gait - 4 * pose.lift)
        share *= share * (3 - 2 * share)
        return Stance(*_mix(base, _gesture(rng, act, base, at), share))

    def _walk(self, pose: Pose) -> Stance:
        swing = math.sin(2 * math.pi * pose.cycle) * pose.gait
        feet, toes = [], []
        for phase in (pose.cycle, pose.cycle + 0.5):
            ahead, up = step(phase, self._reach * pose.gait, self._knees * pose.gait)
            if pose.lift > 0.05:  # in the air the legs hang
                up += 0.15 * pose.crouch
            feet.append((ahead, up))
            toes.append(2.0 * up + (0.5 if pose.lift > 0.1 else 0.0))
        bob = 0.02 * math.cos(4 * math.pi * pose.cycle) * pose.gait
        beat = 0.03 * math.sin(0.4 * pose.clock)
        lively = self._lively
        return Stance(
            hips=(0.05 * pose.gait + 0.35 * pose.crouch, 0.04 * swing, 0.15 * swing * lively),
            back=(self._slouch + 0.25 * pose.crouch, beat - 0.04 * swing, -0.3 * swing * lively),
            head=(-0.35 * pose.crouch - 0.5 * self._slouch, beat, 0.4 * pose.gaze + 0.1 * swing),
            arms=pose.arms,
            feet=(feet[0], feet[1]),
            drop=0.01 + 0.1 * pose.gait**2 * self._reach + 0.4 * pose.crouch - bob,
            toes=(toes[0], toes[1]),
        )


def _gesture(rng: Random, act: str, base: Stance, at: int) -> Stance:
    """Return the stance of an act. Small movements go on in it."""
    wave = math.sin(0.5 * at + rng.uniform(0, 6))
    turn = rng.uniform(-1, 1)
    hips, back, head = base.hips, base.back, base.head
    arms, feet, drop, toes = base.arms, base.feet, base.drop, base.toes
    if act == "look":
        head = (rng.uniform(-0.5, 0.6), 0.3 * turn, 1.2 * turn * (1 + 0.2 * wave))
        back = (back[0], back[1], back[2] + 0.4 * turn)
        return Stance(hips, back, head, arms, feet, drop, toes)
    back = (rng.uniform(-0.2, 0.8), rng.uniform(-0.4, 0.4), rng.uniform(-0.7, 0.7) + 0.05 * wave)
    head = (rng.uniform(-0.4, 0.4), rng.uniform(-0.4, 0.4), rng.uniform(-0.9, 0.9))
    raised = [(rng.uniform(0.0, 2.7), rng.uniform(-0.7, 1.9), rng.uniform(0, 2.2) + 0.1 * wave) for _ in range(2)]
    arms = (raised[0], raised[1])
    if act == "sit":
        back = (rng.uniform(0.0, 0.3), 0.3 * back[1], back[2])
        return Stance((-0.2, 0.0, 0.0), back, head, arms, ((0.75, 0.0), (0.6, 0.0)), 0.82, (-0.5, -0.3))
    if act == "kneel":
        return Stance((0.1, 0.0, 0.0), back, head, arms, ((0.35, 0.0), (-0.45, 0.06)), 0.45, (0.0, 1.1))
    if act == "kick":
        high = rng.uniform(0.2, 0.8)
        feet = ((0.0, 0.0), (0.75, high)) if turn < 0 else ((0.75, high), (0.0, 0.0))
        return Stance((-0.2, 0.1 * turn, 0.3 * turn), back, head, arms, feet, 0.04, (0.3, 0.3))
    return Stance((0.15 * back[0], 0.1 * turn, 0.4 * turn), back, head, arms, feet, drop + rng.uniform(0, 0.2), toes)


def _mix(one: Any, other: Any, share: float) -> Any:
    if isinstance(one, tuple):
        return tuple(_mix(a, b, share) for a, b in zip(one, other, strict=True))
    return one + share * (other - one)
