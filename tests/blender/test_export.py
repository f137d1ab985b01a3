# SPDX-License-Identifier: GPL-3.0-or-later
"""Exporting a shot in real Blender: what is written, and that the scene is as it was."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from server.demo.cartoon import PAINTS
from shared.codec import from_json
from shared.digests import address_of
from shared.manifest import ShotManifest

from .conftest import Scenario


def test_export_writes_pure_line_art_finds_holds_and_restores_every_setting(scenario: Scenario, tmp_path: Path) -> None:
    folder = tmp_path / "take"
    answer = scenario("export.export", str(folder))
    assert answer["differences"] == []

    manifest = from_json(ShotManifest, answer["manifest"])
    assert manifest.timing == (0, 0, 1, 1, 2, 2, 3, 3)
    assert (manifest.width, manifest.height, manifest.frame_start, manifest.fps) == (240, 135, 1, 24)
    for frame in range(1, 9):
        content = (folder / "lineart" / f"{frame:04d}.png").read_bytes()
        assert address_of(content) == manifest.drawings[manifest.timing[frame - 1]]
        assert not any(word in content for word in (b"tEXt", b"iTXt", b"zTXt")), "metadata would leave the machine"
        pixels = np.asarray(Image.open(folder / "lineart" / f"{frame:04d}.png").convert("RGB")).astype(int)
        assert np.ptp(pixels, axis=2).max() == 0, "line art has a color"
        assert (pixels == 255).all(axis=2).mean() > 0.8, "the paper is not white"
        assert pixels.min() < 40, "the lines are not dark"
    keyframe = np.asarray(Image.open(folder / "keyframes" / "0001.png").convert("RGB"))
    assert tuple(keyframe[70, 150]) != (255, 255, 255)
    assert sorted(path.name for path in folder.iterdir()) == ["keyframes", "lineart", "take.json"]


def test_a_painted_color_reaches_the_keyframe_as_it_was_picked(scenario: Scenario, tmp_path: Path) -> None:
    scenario("strips.layouts", str(tmp_path / "take"))
    keyframe = np.asarray(Image.open(tmp_path / "take" / "keyframes" / "0005.png").convert("RGB"))
    assert bytes(keyframe[4, 5]).hex() == PAINTS["sky"]


def test_a_keyframe_that_was_painted_larger_is_scaled(scenario: Scenario, tmp_path: Path) -> None:
    assert scenario("export.large_keyframe", str(tmp_path / "take")) == [480, 270], "the animator's own image changed"
    keyframe = np.asarray(Image.open(tmp_path / "take" / "keyframes" / "0001.png").convert("RGB"))
    assert keyframe.shape == (135, 240, 3)
    assert keyframe[60, 40].tolist() == [255, 0, 0] and keyframe[60, 200].tolist() == [0, 0, 255]


def test_a_keyframe_of_floats_keeps_its_colors_and_its_transparency(scenario: Scenario, tmp_path: Path) -> None:
    assert scenario("export.float_keyframe", str(tmp_path / "take")) is True
    keyframe = np.asarray(Image.open(tmp_path / "take" / "keyframes" / "0001.png"))
    assert keyframe[60, 40].tolist() == [188, 124, 0, 255] and keyframe[60, 200, 3] == 0


@pytest.mark.slow
def test_paint_may_be_translucent_and_change_on_a_held_drawing_and_frames_may_be_blank(
    scenario: Scenario, tmp_path: Path
) -> None:
    folder = tmp_path / "take"
    manifest = from_json(ShotManifest, scenario("export.changing_paint", str(folder)))
    assert manifest.timing == (0, 1, 2, 2, 3, 3)
    assert manifest.drawings[0] == manifest.drawings[1]
    command = ["colorize", str(folder / "lineart"), "--output", str(tmp_path / "out"), "--quality", "preview"]
    for frame in (1, 2):
        command += ["--keyframe", str(folder / "keyframes" / f"{frame:04d}.png")]
    done = subprocess.run([sys.executable, "-m", "server", *command], check=True, capture_output=True, text=True)
    assert "Blank frames show only what stands still: 5 to 6." in " ".join(done.stderr.split())
    for frame in range(1, 7):
        drawn, colored = (
            np.asarray(Image.open(path / f"{frame:04d}.png")) for path in (folder / "lineart", tmp_path / "out")
        )
        paper = drawn.reshape(*drawn.shape[:2], -1).min(axis=2) == 255
        color = (255, 0, 0, 102) if frame == 1 else (0, 0, 255, 102)
        assert (colored[paper] == color).all(axis=1).mean() > 0.999, frame
        assert (colored[~paper, 3] > 102).all(), "lines are more opaque"


def test_an_export_that_fails_or_is_abandoned_restores_the_scene_and_leaves_no_files(
    scenario: Scenario, tmp_path: Path
) -> None:
    folder = tmp_path / "take"
    answer = scenario("export.interrupted_exports", str(folder))
    assert "unpainted" in answer["message"]
    assert answer["within"], "the comparison sees no change even during the export"
    assert answer["after error"] == []
    assert answer["after abandoning"] == []
    assert list(folder.iterdir()) == []


@pytest.fixture
def messages(scenario: Scenario, tmp_path: Path) -> dict[str, str]:
    """What the extension says to each bad shot."""
    answers = scenario("export.bad_shots", str(tmp_path / "take"))
    assert not (tmp_path / "take").exists() or list((tmp_path / "take").iterdir()) == []
    return answers


def test_each_bad_shot_gets_a_message_that_says_what_to_do(messages: dict[str, str]) -> None:
    wanted = {
        "no keyframe": "press Use This Frame as Keyframe",
        "keyframe outside": "Keyframe 9 lies outside the frame range 1..2",
        "empty range": "set the end at or after the start",
        "unpainted": "Frame 1: The keyframe has no colors",
        "other size": "8×8 pixels, but the shot renders at 240×135",
        "no camera": "has no camera",
        "all white": "Every frame of the shot is white: check that the camera sees",
        "no drawing": "no line art, such as a Grease Pencil object that renders",
        "no server": "Nothing listens on port 7860 of this computer: start the server",
        "offline": "Enable online access in System preferences",
    }
    assert wanted.keys() == messages.keys()
    for name, part in wanted.items():
        assert part in messages[name], name
