# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetched pictures become figures with clean fills and lines, which act in clips."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest
import skia

from server.training.cartoon.motion import Pose
from server.training.cartoon.palette import Palette
from server.training.cartoon.render import Ink, Sheet
from server.training.sources import (
    FetchError,
    draw_puppet_clip,
    fetch,
    fetch_sources,
    fluent_emoji,
    heads,
    load_families,
)
from server.training.sources.drawing import EDGE, FILL, INK, LINE, Drawing, load_drawings, save_drawings, split_of
from server.training.sources.picture_drawing import prepare_drawing
from server.training.sources.puppet import Puppet
from server.training.sources.svg import read_svg
from server.training.validation import FIRST_SEED, ValidationClip, write_validation

HEAD = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 72 72">
  <g id="color">
    <circle cx="36" cy="36" r="22" fill="#fcea2b"/>
    <path fill="#d22f27" d="M36 14a22 22 0 0 1 22 22H36z"/>
  </g>
  <g id="line" stroke="#000" stroke-width="2">
    <circle cx="36" cy="36" r="23" fill="none"/>
    <path stroke="none" d="M26 44h12v1h-12z"/>
  </g>
</svg>"""
"""A ball with a quarter in red, a line around that the fills do not quite reach, and a thin black mouth."""

UNDERLAY = """<svg xmlns="http://www.w3.org/2000/svg"><mask id="m"><rect width="9" height="9" fill="#fff"/></mask>
  <g transform="translate(10)"><circle r="20" fill="#000"/><circle r="19.5" fill="#3a8"/></g></svg>"""
"""A line drawn as a black shape under a green one."""


def prepared(text: str, name: str = "ball") -> Drawing:
    drawing = prepare_drawing(read_svg(text, name), name, name, name)
    assert drawing is not None
    return drawing


def sheet_of(drawing: Drawing, size: int = 200) -> tuple[Sheet, Palette]:
    """The drawing at rest in its artist's colors, on label 0, which is blue."""
    rng = Random(0)
    palette = Palette(rng)
    palette.add((0, 0, 255))
    puppet = Puppet(rng, palette, [drawing])
    puppet._paint = {tuple(color): palette.add(tuple(color)) for color in drawing.colors.tolist()}  # type: ignore
    puppet._warps, puppet._mirrored, puppet._bordered = [], False, True
    sheet = Sheet(size, size)
    matrix = skia.Matrix()
    matrix.setAffine([size * 0.9, 0, 0, size * 0.9, size / 2, size * 0.95])
    sheet.paint(puppet.groups(Pose(0, 0)), Ink(width=1.5), matrix, size * 0.9, 0)
    return sheet, palette


def test_fills_ink_lines_and_missing_borders_are_told_apart() -> None:
    drawing = prepared(HEAD)
    kinds = drawing.marks[:, 0]
    assert (kinds == LINE).sum() == 1
    assert (kinds == INK).sum() == 1
    assert (kinds == EDGE).sum() >= 1  # between yellow and red the artist drew no line
    assert {(252, 234, 43), (210, 47, 39)} <= {tuple(color) for color in drawing.colors.tolist()}


def test_a_black_shape_under_another_is_its_line() -> None:
    drawing = prepared(UNDERLAY)
    kinds = drawing.marks[:, 0]
    assert (kinds == INK).sum() == 1
    assert (kinds == EDGE).sum() == 0
    assert (drawing.colors[drawing.marks[kinds == FILL, 1]] == (51, 170, 136)).all()


def test_fills_reach_under_the_lines_and_nothing_is_left_bare() -> None:
    sheet, palette = sheet_of(prepared(HEAD))
    colors = palette.colors[sheet.labels]
    inside = (np.hypot(*np.mgrid[-99.5:100, -99.5:100]) < 80)[..., None]
    white = (colors == 255).all(-1, keepdims=True) & inside
    blue = (colors == (0, 0, 255)).all(-1, keepdims=True) & np.roll(inside, 4, 0)
    assert white.sum() < 20  # of 20,000 pixels
    assert blue.sum() < 200


def test_every_border_of_fills_has_a_line() -> None:
    sheet, _ = sheet_of(prepared(HEAD))
    across = sheet.labels[:, 1:] != sheet.labels[:, :-1]
    dark = np.zeros_like(across)
    for shift in range(-4, 5):
        dark |= np.roll(sheet.art[:, 1:] < 160, shift, 1)
    assert across.any()
    assert (across & ~dark).sum() < 0.05 * across.sum()


def test_drawings_survive_their_file_and_splits_do_not_overlap(tmp_path: Path) -> None:
    drawings = [prepared(HEAD, f"ball {i}") for i in range(40)]
    save_drawings(tmp_path / "balls.npz", drawings)
    train, validation = (load_drawings(tmp_path / "balls.npz", split) for split in ("train", "validation"))
    assert sorted(d.name for d in (*train, *validation)) == sorted(d.name for d in drawings)
    assert 0 < len(validation) < len(train)
    assert np.array_equal(train[0].points, drawings[0].points)
    assert np.array_equal(train[0].marks, drawings[0].marks)


@pytest.mark.slow
def test_validation_clips_are_played_by_shapes_that_training_never_sees(tmp_path: Path) -> None:
    heads = [prepared(HEAD, f"ball {i}") for i in range(40)]
    unseen = {drawing.name for drawing in heads if split_of(drawing.family) == "validation"}
    others = [prepared(UNDERLAY, drawing.name) for drawing in heads if drawing.name not in unseen]
    clip = ValidationClip("heads", FIRST_SEED, frames=4, width=96, height=54, source="balls")
    written = []
    for name, drawings in (("all", [*(h for h in heads if h.name in unseen), *others]), ("unseen", heads)):
        (tmp_path / name).mkdir()
        save_drawings(tmp_path / name / "balls.npz", drawings)
        write_validation(tmp_path / f"{name} clips", [clip], tmp_path / name)
        files = sorted((tmp_path / f"{name} clips" / "heads").rglob("*.png"))
        written.append([file.read_bytes() for file in files])
    assert len(written[0]) == 8 and written[0] == written[1]
    write_validation(tmp_path / "none", [clip])
    assert not (tmp_path / "none").exists(), "without sources such clips are left out"


def test_relatives_share_a_split() -> None:
    assert len({split_of(f"cook/{i}") for i in range(50)}) == 1
    assert len({split_of(f"{i}") for i in range(50)}) == 2


@pytest.fixture(scope="module")
def families() -> list[list[Drawing]]:
    return [[prepared(HEAD)], [prepared(UNDERLAY), prepared(HEAD)]]


@pytest.mark.parametrize("seed", range(8))
def test_a_drawing_is_the_same_whichever_others_are_drawn(families: list[list[Drawing]], seed: int) -> None:
    whole = draw_puppet_clip(families, seed, 10, 128, 72)
    some = draw_puppet_clip(families, seed, 10, 128, 72, at=[9, 2])
    assert np.array_equal(some.line_art, whole.line_art[[9, 2]])
    assert np.array_equal(some.labels, whole.labels[[9, 2]])
    assert np.array_equal(some.colors, whole.colors)


def test_clips_move_and_keep_to_their_palette(families: list[list[Drawing]]) -> None:
    clips = [draw_puppet_clip(families, seed, 20, 128, 72, at=[0, 10]) for seed in range(12)]
    assert all(clip.labels.max() < len(clip.colors) <= 40 for clip in clips)
    assert sum(bool((clip.labels[0] != clip.labels[1]).any()) for clip in clips) >= 10
    assert len({clip.sentence for clip in clips}) > 6


def test_asking_for_what_is_not_there_is_refused(families: list[list[Drawing]], tmp_path: Path) -> None:
    with pytest.raises(IndexError, match="outside the clip"):
        draw_puppet_clip(families, 0, 4, 64, 36, at=[4])
    with pytest.raises(ValueError, match="no shapes"):
        draw_puppet_clip([], 0, 4, 64, 36)
    with pytest.raises(FileNotFoundError, match="train sources"):
        load_families(tmp_path, "openmoji", "train")
    with pytest.raises(ValueError, match=r"odd\.svg: not an SVG"):
        read_svg("<svg", "odd.svg")


FLAT = """<g fill="none"><circle cx="16" cy="16" r="14" fill="#fcea2b"/>
<path fill="#d22f27" d="M16 2a14 14 0 0 1 14 14H16z"/></g>"""
"""The body of an icon: a ball with a quarter in red, without lines."""


def test_flat_emoji_are_read_in_one_skin_tone_and_get_lines(tmp_path: Path) -> None:
    folder = tmp_path / "@iconify-json" / "fluent-emoji-flat"
    folder.mkdir(parents=True)
    names = ["woman-juggling", "woman-juggling-dark", "ball", "missing"]
    icons = {"width": 32, "icons": {name: {"body": FLAT} for name in names[:3]}}
    (folder / "icons.json").write_text(json.dumps(icons))
    (folder / "metadata.json").write_text(json.dumps({"categories": {"Activities": names, "Flags": ["ball"]}}))
    juggling, ball = fluent_emoji.read_fluent_emoji(tmp_path)
    assert (juggling.name, juggling.family) == ("woman-juggling", "juggling") and ball.words == "ball"
    assert {LINE, EDGE} & set(ball.marks[:, 0].tolist()), "the border of its colors has a line"


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for Node.js is a shell script")
def test_heads_are_families_of_faces(tmp_path: Path) -> None:
    lines = [json.dumps({"seed": seed, "svg": HEAD}) for seed in ("faces-0", "faces-0", "bigheads-0")]
    (tmp_path / "heads.txt").write_text("\n".join(lines))
    node = tmp_path / "node"
    node.write_text(f'#!/bin/sh\n[ -f "$1" ] && [ "$2" = 7 ] && cat {tmp_path / "heads.txt"}\n')
    node.chmod(0o755)
    (tmp_path / "npm" / "node_modules").mkdir(parents=True)
    found = list(heads.read_heads(tmp_path / "npm" / "node_modules", str(node), heads=7))
    assert [drawing.family for drawing in found] == ["faces-0", "faces-0", "bigheads-0"]
    with pytest.raises(RuntimeError, match="could not draw the heads"):
        list(heads.read_heads(tmp_path / "npm" / "node_modules", str(node), heads=8))


def test_without_node_fetching_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch.shutil, "which", lambda name: None)
    with pytest.raises(FetchError, match="install it"):
        fetch_sources(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for npm is a shell script")
def test_what_npm_says_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = tmp_path / "npm-that-fails"
    npm.write_text("#!/bin/sh\necho getaddrinfo ENOTFOUND >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setattr(fetch.shutil, "which", lambda name: str(npm))
    with pytest.raises(FetchError, match=r"Check the network.*ENOTFOUND"):
        fetch_sources(tmp_path)
