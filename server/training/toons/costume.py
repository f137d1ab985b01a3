# SPDX-License-Identifier: GPL-3.0-or-later
"""A dressed body at rest: its surfaces, and which part each place of them is."""

from __future__ import annotations

from random import Random

import numpy as np

from server.training.cartoon.motion import Pose
from server.training.cartoon.palette import Palette
from server.training.toons.bodies import (
    CHEST,
    FACE,
    FOOT,
    FOREARM,
    HAND,
    HANDS,
    HEAD,
    SHIN,
    SIDE,
    SKIRT,
    THIGH,
    TRUNK,
    UPPER_ARM,
    Body,
)
from server.training.toons.clothes import Clothes
from server.training.toons.face import Face
from server.training.toons.hair import Skull, make_hair, make_hat
from server.training.toons.paints import Paints
from server.training.toons.solids import Solid, ball

_COLLAR = 6.1
"""Height on the mean body up to which the neck is painted as the trunk is."""
_SKIRT_TOP, _SKIRT_HIGH = 1.85, 9.15


class Costume:
    """One figure's surfaces.

    Attributes:
        paints: its parts.
        vertices: float32 [V,3] at rest. weights: float32 [V,BONES].
        triangles: int32 [F,3]. closed: bool [F], those whose backs are never seen.
        joints: float [BONES,3], which follow the figure's proportions.
        loose: float32 [V], how much of the figure's sway moves each vertex.
        floor, height: where it stands, and how high it is.
    """

    def __init__(self, rng: Random, palette: Palette, body: Body, plain: bool) -> None:
        mesh = body.mesh
        self.paints = Paints()
        self.skin_fill = palette.skin()
        skin = self.paints.add(self.skin_fill)
        self.hair_fill = palette.hair()
        hair = self.paints.add(self.hair_fill)
        man = body.words in ("man", "old man")
        self._clothes = Clothes(rng, palette, self.paints, skin, plain, man)
        self.top_fill = self.paints.fill(self._clothes.top)
        self._face = Face(rng, palette, self.paints, skin, hair, plain, man)
        self._surfaces, self._spots = mesh.surfaces, mesh.spots
        self._reach = _reach(mesh.spots, mesh.weights, mesh.joints)
        vertices, self.joints = _proportion(rng, body)
        weights = mesh.weights
        triangles = mesh.faces
        if self._clothes.skirt is None:
            triangles = triangles[(mesh.surfaces != SKIRT)[triangles].all(1)]
        else:
            vertices, weights = self._cut_skirt(rng, vertices, weights)
            high = mesh.spots[:, 1]
            under = (mesh.surfaces == TRUNK) & (self._reach <= 0) & (high < _SKIRT_TOP - 0.15)
            under &= high > _SKIRT_TOP - _SKIRT_HIGH * self._clothes.skirt_length + 0.3
            triangles = triangles[~under[triangles].all(1)]
        vertices = self._loosen(vertices, triangles)

        solids = self._add_solids(rng, palette, body, vertices, skin, hair)
        firsts = np.cumsum([len(vertices), *(len(solid.points) for solid in solids)])
        points = [vertices, *(solid.points for solid in solids)]
        self.vertices = np.concatenate(points).astype(np.float32)
        bones = np.eye(weights.shape[1], dtype=np.float32)
        self.weights = np.concatenate(
            [weights, *(np.repeat(bones[solid.bone][None], len(solid.points), 0) for solid in solids)]
        )
        added = [solid.triangles + first for solid, first in zip(solids, firsts, strict=False)]
        self.triangles = np.concatenate([triangles, *added]).astype(np.int32)
        self.loose = np.concatenate([np.zeros(len(vertices)), *(solid.loose for solid in solids)]).astype(np.float32)
        own = [np.full(len(solid.triangles), solid.part) for solid in solids]
        self._owner = np.concatenate([np.full(len(triangles), -1), *own])
        closed = mesh.surfaces[triangles[:, 0]] != SKIRT
        self.closed = np.concatenate([closed, *(np.zeros(len(solid.triangles), bool) for solid in solids)])
        self.floor = float(self.vertices[:, 1].min())
        self.height = float(self.vertices[:, 1].max()) - self.floor

    def paint(self, triangles: np.ndarray, shares: np.ndarray, pose: Pose) -> np.ndarray:
        """Return the part of each place on a triangle.

        Args:
            triangles: int [P], their numbers.
            shares: float32 [P,3], the weights of their corners there.
        """
        parts = self._owner[triangles]
        own = np.flatnonzero(parts < 0)
        corners, weight = self.triangles[triangles[own]], shares[own]
        spots = between(self._spots, corners, weight)
        surfaces = self._surfaces[corners[:, 0]]
        found = np.where(surfaces == HANDS, self._clothes.glove, self._clothes.skirt or 0)
        face = surfaces == FACE
        dressed = np.flatnonzero((surfaces == TRUNK) | (face & (spots[:, 1] < _COLLAR)))
        reach = between(self._reach, corners[dressed], weight[dressed])
        found[dressed] = self._clothes.paint(spots[dressed], reach)
        bare = np.flatnonzero(face & (spots[:, 1] >= _COLLAR))
        found[bare] = self._face.paint(spots[bare], pose)
        parts[own] = found
        return parts

    def _cut_skirt(self, rng: Random, vertices: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return vertices and weights with the skirt at its length."""
        chosen = np.flatnonzero(self._surfaces == SKIRT)
        length = self._clothes.skirt_length
        down = (_SKIRT_TOP - self._spots[chosen, 1]) / _SKIRT_HIGH
        vertices, weights = vertices.copy(), weights.copy()
        skirt = vertices[chosen]
        high = skirt[:, 1].max()
        width = (1.3 + 1.7 * length * down) / (1.3 + 1.7 * down) * (1 + rng.uniform(0.0, 0.5) * down)
        middle = skirt.mean(0)
        skirt[:, 0] *= width
        skirt[:, 2] = middle[2] + (skirt[:, 2] - middle[2]) * width
        skirt[:, 1] = high + (skirt[:, 1] - high) * length
        vertices[chosen] = skirt
        for side in (0, SIDE):  # what ends above the knees does not follow the shins
            below = weights[chosen, SHIN + side] + weights[chosen, FOOT + side]
            kept = below * np.clip(2 * length - 1, 0, 1)
            weights[chosen, THIGH + side] += below - kept
            weights[chosen, SHIN + side], weights[chosen, FOOT + side] = kept, 0
        return vertices, weights

    def _loosen(self, vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
        """Return the vertices with clothes at their distance from the body."""
        trunk = self._surfaces == TRUNK
        parts = self._clothes.paint(self._spots[trunk], self._reach[trunk])
        amounts = np.array([paint.loose for paint in self.paints.all])
        moved, outward = vertices.copy(), normals(vertices, triangles)
        moved[trunk] += outward[trunk] * amounts[parts][:, None]
        neck = (self._surfaces == FACE) & (self._spots[:, 1] < _COLLAR - 0.2)
        moved[neck] -= 0.1 * outward[neck]  # inside the collar
        return moved

    def _add_solids(
        self, rng: Random, palette: Palette, body: Body, vertices: np.ndarray, skin: int, hair: int
    ) -> list[Solid]:
        skull = Skull.of(body, vertices)
        solids: list[Solid] = []
        woman = body.words.endswith(("woman", "girl"))
        hatted = rng.random() < 0.2
        if rng.random() < 0.93:
            solids += make_hair(rng, skull, hair, long=rng.random() < (0.75 if woman else 0.2), flat=hatted)
        self.hat_fill = None
        if hatted:
            hat = self.paints.add(palette.cloth((self.hair_fill,)))
            self.hat_fill = self.paints.fill(hat)
            band = self.paints.add(palette.cloth((self.hat_fill,))) if rng.random() < 0.5 else hat
            solids += make_hat(rng, skull, hat, band)
        if rng.random() < 0.3:
            red = palette.near((220, 120, 100)) if rng.random() < 0.4 else self.skin_fill
            nose = self.paints.add(red, 0.8)
            head = self._surfaces == FACE
            near = np.hypot(*(self._spots[head][:, :2] - (0, 6.95)).T) < 0.2
            tip = vertices[head][near].max(0)
            size = rng.uniform(0.12, 0.3) * skull.radii[0]
            solids.append(ball((0, vertices[head][near, 1].mean(), tip[2]), (size, size, size), nose, HEAD))
        if rng.random() < 0.08:
            bag = self.paints.add(palette.cloth((self.top_fill,)))
            trunk = vertices[(self._surfaces == TRUNK) & (np.abs(self._spots[:, 1] - 3.8) < 1) & (self._reach <= 0)]
            low, high = trunk.min(0), trunk.max(0)
            size = (high - low) * (0.42, 0.75, 0.5)
            solids.append(ball((0, (low[1] + high[1]) / 2, low[2] - 0.5 * size[2]), size, bag, CHEST))
        return solids


def between(values: np.ndarray, corners: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return values of vertices [V,…] at places on triangles, with these corners [P,3] and their shares [P,3]."""
    first, second, third = (shares[:, corner].reshape(-1, *[1] * (values.ndim - 1)) for corner in range(3))
    return first * values[corners[:, 0]] + second * values[corners[:, 1]] + third * values[corners[:, 2]]


def normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return the unit normals of the vertices [V,3], pointing outward."""
    a, b, c = vertices[triangles].transpose(1, 0, 2)
    across = np.cross(b - a, c - a)
    summed = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(summed, triangles[:, corner], across)
    return summed / np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-9)


def _reach(spots: np.ndarray, weights: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """Return how far along an arm vertices are, [V]: 0 at the shoulder, 1 at the elbow, 2 at the wrist, -1 off it."""
    reach = np.full(len(spots), -1.0)
    for side in (0, SIDE):
        shoulder, elbow, wrist = (joints[bone + side].astype(float) for bone in (UPPER_ARM, FOREARM, HAND))
        upper, lower = elbow - shoulder, wrist - elbow
        on_arm = weights[:, [UPPER_ARM + side, FOREARM + side, HAND + side]].sum(1) > 0.4
        one = (spots[on_arm] - shoulder) @ upper / (upper @ upper)
        two = (spots[on_arm] - elbow) @ lower / (lower @ lower)
        reach[on_arm] = np.where(one < 1, np.maximum(one, 0.01), 1 + np.maximum(two, 0))
    return reach.astype(np.float32)


def _proportion(rng: Random, body: Body) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices and joints with a toon's proportions: a large head, sometimes large hands and feet."""
    vertices, joints = body.vertices.astype(float), body.joints.astype(float)
    tall = float(body.vertices[:, 1].max() - body.vertices[:, 1].min())
    heads = rng.choice((rng.uniform(5.5, 7.0), rng.uniform(3.5, 5.5), rng.uniform(2.5, 3.8)))
    face = vertices[(body.mesh.surfaces == FACE) & (body.mesh.spots[:, 1] > 6.3)]
    share = float(np.ptp(face[:, 1])) / tall
    larger = max(1.0, (1 / heads) * (1 - share) / (share * (1 - 1 / heads)))
    hands, feet = rng.uniform(1.0, 1.5), rng.uniform(1.0, 1.4)
    scales = [(HEAD, larger)]
    scales += [(bone + side, scale) for bone, scale in ((HAND, hands), (FOOT, feet)) for side in (0, SIDE)]
    moved = vertices.copy()
    for bone, scale in scales:
        weight = body.mesh.weights[:, bone : bone + 1]
        moved += weight * (scale - 1) * (vertices - joints[bone])
    return moved, joints
