# SPDX-License-Identifier: GPL-3.0-or-later
"""The strips of takes in real Blender's Sequencer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.blender.process import run_in_blender

from .conftest import Scenario

FRAMES = [f"{frame:04d}.png" for frame in range(3, 9)]


def _off(one: list[list[int]], other: list[list[int]]) -> int:
    """The largest difference of two lists of colors."""
    return int(np.abs(np.array(one) - np.array(other)).max())


def test_strips_lie_where_the_take_belongs_above_what_is_there(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("strips.layouts", str(tmp_path / "take"))

    def strip(channel: int, folder: str, blend: str) -> dict[str, Any]:
        directory = f"{tmp_path / 'take' / folder}/"
        place = {"type": "IMAGE", "channel": channel, "range": [22, 28], "blend": blend, "mute": False}
        return place | {"directory": directory, "files": FRAMES}

    # Channel 2 is taken at the last frame; 6 and 7 only outside of the shot.
    layers = [strip(1, "fills", "ALPHA_OVER"), strip(2, "lines", "ALPHA_OVER")]
    meta = {"type": "META", "channel": 3, "range": [22, 28], "blend": "ALPHA_OVER", "mute": False, "strips": layers}
    assert answer["meta"] == [meta]
    assert answer["strips"] == [strip(4, "fills", "ALPHA_OVER"), strip(5, "lines", "ALPHA_OVER")]
    assert answer["flat"] == [strip(6, "colored", "ALPHA_OVER")]
    assert answer["older"] == [strip(7, "fills", "ALPHA_OVER"), strip(8, "lineart", "MULTIPLY")]
    told = answer["properties"]
    assert told["longanimation_job"] == answer["job"]
    assert (told["longanimation_seed"], told["longanimation_preset"]) == (7, "tiny")
    assert len(told["longanimation_hash"]) == 64


def test_a_take_that_lacks_line_art_is_not_placed_at_all(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("strips.lineart_missing", str(tmp_path / "take"))
    assert "1 frames are missing from" in answer["message"]
    assert "(the first is 4): color the shot again" in answer["message"]
    assert answer["strips"] == 0


def test_frames_appear_in_the_strip_as_they_arrive_and_the_others_show_nothing(
    scenario: Scenario, tmp_path: Path
) -> None:
    answer = scenario("strips.arrival", str(tmp_path / "take"))
    assert answer["pending"] == [*answer["wanted"][:2], *[[0, 0, 0]] * 4]
    assert answer["found"]
    assert answer["arrived"] == answer["wanted"]
    assert answer["left"] == FRAMES
    assert answer["removed"] == 0
    assert not answer["not found"]


def test_a_take_whose_images_are_gone_does_not_bring_blender_down(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("strips.gone", str(tmp_path / "take"))
    # Blender draws a picture of the known size in the place of a missing one; what it does not know is undefined.
    assert answer["sizes"] == [answer["size"]]
    assert answer["shown"] == [135, 240]


def test_takes_are_kept_side_by_side_and_compared(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("strips.takes", str(tmp_path))
    assert answer["placed"] == {"other": False, "first": True, "second": False}
    assert answer["shown"] == {"other": False, "first": False, "second": True}
    assert answer["comparing"]
    left, right = answer["wanted"]
    assert answer["halves"] == [left, left, right, right]
    assert not answer["comparing again"]
    assert answer["in the end"] == {"other": False, "first": True, "second": False}
    assert answer["ended from the other half"]
    assert answer["marked"] == [
        {"other": "whole", "first": "whole"},
        {"other": "whole", "first": "right", "second": "left"},
        {"other": "whole", "second": "whole"},
    ]


def test_a_take_is_seen_until_another_one_covers_it(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("strips.takes_arriving", str(tmp_path))
    assert answer["muted"] == [[], ["first"], ["first"], ["first", "later"]]
    assert answer["arriving"] == answer["wanted"][:2], (
        "the first frame is the second take's, the last still the first's"
    )
    assert answer["arrived"] == [answer["wanted"][0], answer["wanted"][2]]


def test_the_colors_of_a_keyframe_come_back_unchanged(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("strips.colors", str(tmp_path / "chart"))
    assert len({tuple(color) for color in answer["picked"]}) > 100
    assert _off(answer["keyframe"], answer["picked"]) <= 1
    assert _off(answer["Standard strip"], answer["keyframe"]) == 0
    # Where the scene's view bends colors, the strip looks as the scene's own painting does.
    assert _off(answer["AgX scene"], answer["picked"]) > 50
    assert _off(answer["AgX strip"], answer["AgX scene"]) <= 1


def test_strips_show_lines_in_their_own_color_and_what_lies_behind_a_keyframe_without_a_background(
    scenario: Scenario, tmp_path: Path
) -> None:
    answer = scenario("strips.transparent", str(tmp_path / "take"))
    assert 0.2 < answer["share of the keyframe"] < 0.9
    assert [strip["blend"] for strip in answer["strips"]] == ["ALPHA_OVER", "ALPHA_OVER"]
    assert [strip["directory"].split("/")[-2] for strip in answer["strips"]] == ["fills", "lines"]
    assert answer["alone"] <= 1 and answer["over a color"] <= 1
    assert answer["found in the palette"] == [[200, 60, 90]]


def test_five_hundred_frames_are_one_strip(blender: Path, built_extension: Path, tmp_path: Path) -> None:
    many_frames = "benchmarks.blender.sequencer.many_frames"
    placed = run_in_blender(blender, built_extension, tmp_path, many_frames, str(tmp_path / "take"), 500)
    assert placed["range"] == [1, 501]
