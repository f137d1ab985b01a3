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


def test_a_keyframe_is_the_picture_of_the_scene(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("keyframes.scenery", str(tmp_path / "files"))
    assert answer["sky"] == [159, 208, 234]
    assert answer["Standard"] <= 1
    assert answer["AgX"] <= (2 if answer["version"] == [4, 2] else 1)


def test_drawings_alone_are_drawn_quickly_before_the_color_of_the_world(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("keyframes.worlds", str(tmp_path / "files"))
    assert set(answer) == {"plain", "gray", "bright", "tinted", "none"}
    assert max(answer.values()) <= 1, answer


def test_a_keyframe_of_the_scene_has_a_thumbnail_and_tells_that_the_scene_has_light(
    scenario: Scenario, tmp_path: Path
) -> None:
    answer = scenario("keyframes.thumbnails", str(tmp_path))
    assert answer["size"] == [192, 108]
    assert not answer["plain"]
    assert answer["lit"]
    assert answer["after"] == [True, False]
    assert answer["keyframes"] == [125, 127]


def test_a_kept_background_is_a_layer_below_the_colored_drawings(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("keyframes.kept_background", str(tmp_path / "shot"))
    assert 0.03 < answer["drawn"] < 0.05
    assert answer["behind"] < 0.01
    assert answer["before"] < 0.05
    assert answer["frames"] == ["0124.png", "0125.png", "0126.png"]
    assert answer["moves"]
    assert answer["strips"] == [1, 2, 3]
    assert answer["shown"] < 0.02
