# SPDX-License-Identifier: GPL-3.0-or-later
"""Painted keyframes from wherever an animator has them, in real Blender."""

from __future__ import annotations

from pathlib import Path

from .conftest import Scenario


def test_a_frame_is_painted_over_its_line_art_and_keeps_its_lines(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("keyframes.painted", str(tmp_path / "shot"))
    assert answer["frame"] == 3
    assert answer["size"] == [240, 135]
    assert answer["name"] == "Crossing keyframe 3"
    assert answer["keyframes"] == 1, "a frame that is being painted is opened again, not newly made"
    assert answer["has lines"]
    assert answer["off"] <= 1


def test_files_become_keyframes_of_the_frames_that_their_names_tell(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("keyframes.files", str(tmp_path / "files"))
    walk, seven = [6, "walk_0006_paint_v2.png"], [7, "300_7.png"]
    assert answer["keyframes"] == [[5, "sc01_v2_0005.png"], walk, seven, [9, "painted.png"]]
    no_image, unclear = answer["messages"]
    assert "notes_0007.txt is not an image" in no_image
    assert "Which frame does take_3_4.png paint, 3, 4?" in unclear
    assert answer["from the scene"] == [[5, False], [6, False], [7, False], [9, True]]
