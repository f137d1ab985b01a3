# SPDX-License-Identifier: GPL-3.0-or-later
"""Posing a body: from the turns of its joints to the places of its vertices."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from server.training.cartoon.motion import Arm, knee
from server.training.cartoon.shapes import Point
from server.training.toons.bodies import (
    BELLY,
    BONES,
    CHEST,
    COLLAR,
    FOOT,
    FOREARM,
    HAND,
    HEAD,
    NECK,
    PARENTS,
    PELVIS,
    SHIN,
    SIDE,
    THIGH,
    UPPER_ARM,
)

Turn = tuple[float, float, float]
"""Forward, to the figure's left, and around the spine to the left, in radians."""


class Stance(NamedTuple):
    """How a body stands.

    hips, back, head: their turns, each against what it sits on. arms: left and right, as in `Pose`. feet: of the left
    and right foot, how far it is ahead of its place at rest and above it, in lengths of a leg. drop: how far the hips
    are lowered, in lengths of a leg. toes: how far each foot points down, in radians.
    """

    hips: Turn
    back: Turn
    head: Turn
    arms: tuple[Arm, Arm]
    feet: tuple[Point, Point]
    drop: float
    toes: tuple[float, float]


class Rig:
    """The skeleton of one body, with the weights of its vertices.

    joints: float [BONES,3] at rest. weights: float32 [V,BONES].
    """

    def __init__(self, joints: np.ndarray, weights: np.ndarray) -> None:
        self._joints = joints.astype(float)
        self._weights = weights
        thigh, shin, foot = (self._joints[bone] for bone in (THIGH, SHIN, FOOT))
        self._upper, self._lower = math.dist(thigh, shin), math.dist(shin, foot)
        self.leg = float(thigh[1] - foot[1])
        """The length of a leg."""

    def pose(self, vertices: np.ndarray, stance: Stance) -> np.ndarray:
        """Return the vertices [V,3] in a stance. Those given are at rest."""
        turns = self._turns(stance)
        places = np.empty((BONES, 3))
        places[PELVIS] = self._joints[PELVIS] - (0, stance.drop * self.leg, 0)
        for bone, parent in enumerate(PARENTS):
            if parent >= 0:
                places[bone] = places[parent] + turns[parent] @ (self._joints[bone] - self._joints[parent])
        self._stand(turns, places, stance)
        moves = np.concatenate([turns, (places - np.einsum("bij,bj->bi", turns, self._joints))[..., None]], 2)
        blended = (self._weights @ moves.reshape(BONES, 12).astype(np.float32)).reshape(-1, 3, 4)
        x, y, z = vertices.T[..., None]
        return blended[..., 0] * x + blended[..., 1] * y + blended[..., 2] * z + blended[..., 3]

    def _turns(self, stance: Stance) -> np.ndarray:
        """Return the rotations of all bones, float [BONES,3,3]. The legs' follow later."""
        turns = np.tile(np.eye(3), (BONES, 1, 1))
        turns[PELVIS] = rotation(stance.hips)
        half = rotation(tuple(angle / 2 for angle in stance.back))
        turns[BELLY] = turns[PELVIS] @ half
        turns[CHEST] = turns[BELLY] @ half
        nod = rotation(tuple(angle / 2 for angle in stance.head))
        turns[NECK] = turns[CHEST] @ nod
        turns[HEAD] = turns[NECK] @ nod
        for side, arm in zip((1, -1), stance.arms, strict=True):
            self._turn_arm(turns, side, arm)
        return turns

    def _turn_arm(self, turns: np.ndarray, side: int, arm: Arm) -> None:
        lift, swing, bend = arm
        first = 0 if side > 0 else SIDE
        upper = np.array([side * math.sin(lift), -math.cos(lift) * math.cos(swing), 0.0])
        upper[2] = math.sin(swing) * max(abs(math.cos(lift)), 0.3)
        upper /= np.linalg.norm(upper)
        # It bends forward, and when it is raised, also up and inward.
        raised = max(0.0, math.sin(lift))
        inward = np.array([-0.5 * side * raised, 0.8 * raised, 1.0 - 0.6 * raised])
        inward -= (inward @ upper) * upper
        fore = math.cos(bend) * upper + math.sin(bend) * inward / (np.linalg.norm(inward) or 1.0)
        shrug = 0.35 * max(0.0, lift - 1.2)
        turns[COLLAR + first] = turns[CHEST] @ rotation((0.0, -side * shrug, 0.0))
        shoulder, elbow, hand = (self._joints[bone + first] for bone in (UPPER_ARM, FOREARM, HAND))
        one = _aim(elbow - shoulder, upper)
        two = _aim(one @ (hand - elbow), fore) @ one
        turns[UPPER_ARM + first] = turns[CHEST] @ one
        turns[FOREARM + first] = turns[HAND + first] = turns[CHEST] @ two

    def _stand(self, turns: np.ndarray, places: np.ndarray, stance: Stance) -> None:
        """Put the feet where the stance wants them."""
        for side, (ahead, up), toe in zip((0, SIDE), stance.feet, stance.toes, strict=True):
            thigh, shin, foot = THIGH + side, SHIN + side, FOOT + side
            hip, rest = places[thigh], self._joints[foot]
            target = np.array([rest[0], rest[1] + up * self.leg, rest[2] + ahead * self.leg])
            start = float(hip[2]), float(hip[1])
            joint, end = knee(start, (float(target[2]), float(target[1])), self._upper, self._lower)
            spread = (target[0] - hip[0]) / max(1e-6, hip[1] - end[1]) if hip[1] > end[1] + 0.3 * self.leg else 0.1
            middle = np.array([hip[0] + spread * max(0.0, hip[1] - joint[1]), joint[1], joint[0]])
            last = np.array([hip[0] + spread * max(0.0, hip[1] - end[1]), end[1], end[0]])
            one = _aim(self._joints[shin] - self._joints[thigh], middle - hip)
            two = _aim(one @ (self._joints[foot] - self._joints[shin]), last - middle) @ one
            turns[thigh], turns[shin], turns[foot] = one, two, rotation((toe, 0.0, 0.0))
            places[shin] = hip + one @ (self._joints[shin] - self._joints[thigh])
            places[foot] = places[shin] + two @ (self._joints[foot] - self._joints[shin])


def rotation(turn: tuple[float, ...]) -> np.ndarray:
    """Return the matrix [3,3] of a turn: around the spine first, then to the left, then forward."""
    (cf, cl, cs), (sf, sl, ss) = (tuple(map(function, turn)) for function in (math.cos, math.sin))
    forward = np.array([[1, 0, 0], [0, cf, -sf], [0, sf, cf]])
    left = np.array([[cl, sl, 0], [-sl, cl, 0], [0, 0, 1]])
    spine = np.array([[cs, 0, ss], [0, 1, 0], [-ss, 0, cs]])
    return forward @ left @ spine


def _aim(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the shortest rotation [3,3] from one direction to another."""
    a, b = start / np.linalg.norm(start), end / np.linalg.norm(end)
    axis, cosine = np.cross(a, b), float(a @ b)
    if cosine < -0.999:  # any half turn
        across = np.cross(a, np.eye(3)[int(np.abs(a).argmin())])
        return 2 * np.outer(across, across) / (across @ across) - np.eye(3)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.eye(3) + cross + cross @ cross / (1 + cosine)
