# SPDX-License-Identifier: GPL-3.0-or-later
"""Many shots at once: which frames are a shot of their own, and that one that fails does not hold up the others."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from .conftest import Scenario
from .servers import coloring_server


@pytest.fixture(scope="module")
def batch(addon: Callable[[str], ModuleType]) -> Any:
    """The functions that find shots, without Blender."""
    return addon("shot.batch")


def test_a_marker_begins_a_shot_that_ends_before_the_next_one(batch: Any) -> None:
    markers = [(30, "three"), (1, "one"), (12, "two")]
    shots = batch.from_markers("Film", range(1, 41), markers)
    assert [(shot.name, shot.frames) for shot in shots] == [
        ("one", range(1, 12)),
        ("two", range(12, 30)),
        ("three", range(30, 41)),
    ]
    assert all((shot.scene, shot.timeline, shot.start) == ("Film", "Film", shot.frames.start) for shot in shots)


@pytest.mark.parametrize(
    ("markers", "wanted"),
    [
        ([(20, "late")], [("late", range(20, 31))]),
        ([(-9, "early"), (15, "next")], [("early", range(10, 15)), ("next", range(15, 31))]),
        ([(-9, "gone"), (2, "early")], [("early", range(10, 31))]),
        ([(12, "first"), (12, "second")], [("second", range(12, 31))]),
        ([(12, "in"), (31, "after the end")], [("in", range(12, 31))]),
        ([(12, "  ")], [("Film 12", range(12, 31))]),
        ([(12, "same"), (20, "Same ")], [("same", range(12, 20)), ("Same 2", range(20, 31))]),
    ],
)
def test_odd_markers_give_the_shots_that_one_would_expect(
    batch: Any, markers: list[tuple[int, str]], wanted: list[tuple[str, range]]
) -> None:
    assert [(shot.name, shot.frames) for shot in batch.from_markers("Film", range(10, 31), markers)] == wanted


@pytest.mark.parametrize("markers", [[], [(31, "after the end")]])
def test_a_timeline_without_markers_says_how_to_set_one(
    batch: Any, addon: Callable[[str], ModuleType], markers: list[tuple[int, str]]
) -> None:
    with pytest.raises(addon("shared.errors").ShotError, match="press M in the Timeline"):
        batch.from_markers("Film", range(1, 31), markers)


def test_names_are_apart_also_on_disks_that_know_no_capitals_and_few_signs(batch: Any) -> None:
    shots = [batch.of_scene(name, range(1, 3)) for name in ("A/B", "a b", "a_b 2", "C")]
    assert [shot.name for shot in batch.with_unique_names(shots, ["c"])] == ["A/B", "a b 2", "a_b 2 2", "C 2"]


@pytest.mark.parametrize(
    ("frames", "painted", "wanted"),
    [
        (range(5, 9), [8], ""),
        (range(5, 9), [4, 9], "between frames 5 and 8: jump to the shot"),
        (range(5, 9), [], "press Use This Frame as Keyframe"),
        (range(5, 5), [5], "set its end at or after its start"),
    ],
)
def test_a_shot_that_cannot_be_colored_says_why_and_what_to_do(
    batch: Any, frames: range, painted: list[int], wanted: str
) -> None:
    problem = batch.problem_of(frames, painted)
    assert wanted in problem if wanted else not problem


def test_the_batch_is_filled_from_markers_and_scenes_changed_and_emptied(scenario: Scenario) -> None:
    found = scenario("batch.lists")
    assert "press M in the Timeline" in found["no markers"]
    assert "select scene, image, movie or color strips" in found["no strips"]
    assert not found["nothing to clear"]
    markers = [
        ["intro", "Crossing", 1, 4, "Crossing", 1],
        ["a/b", "Crossing", 5, 8, "Crossing", 5],
        ["a b 2", "Crossing", 9, 12, "Crossing", 9],
    ]
    assert found["markers"] == found["again"] == markers
    assert ["Use This Frame as Keyframe" in problem for problem in found["problems"]] == [True, False, True]
    assert "set its end at or after its start" in found["ends before it begins"]
    assert "choose another, or remove the shot" in found["no scene"]
    assert found["shown in another scene"] == 3, "the list is the file's"
    assert found["jumped"] == ["Crossing", 5]
    assert found["removed"] == ["intro", "a b 2"]
    assert found["added"] == ["intro", "a b 2", "Crossing"]
    assert found["cleared"] == 0
    assert found["scenes"] == [["Crossing", "Crossing", 1, 12, "Crossing", 1]]
    assert found["scenes with a camera"] == [*found["scenes"], ["Other", "Other", 3, 7, "Other", 3]]


def test_a_strip_is_the_shot_that_the_sequencer_shows_in_it(scenario: Scenario, tmp_path: Path) -> None:
    found = scenario("batch.strips", str(tmp_path))
    assert found["rows"] == [
        ["cut", "Gradient", 15, 20, "Edit", 104],
        ["trimmed", "Gradient", found["rows"][1][2], 30, "Edit", found["rows"][1][5]],
        ["held", "Gradient", 11, 30, "Edit", 300],
        ["color", "Edit", 400, 411, "Edit", 400],
    ]
    assert found["rows"][1][2] > 11
    for name, (shown, wanted) in found["shown"].items():
        assert shown == wanted, name
    assert len({wanted for _, wanted in found["shown"].values()}) > 3, "all frames look the same"
    problems = found["reports"][:-1]
    assert len(problems) == 2
    assert (
        "'reversed' is retimed or reversed" in problems[0] and "'an edit' does not show a scene's camera" in problems[1]
    )
    assert found["reports"][-1] == "Shots added: 4; already in the batch: 0"


def test_one_click_colors_every_shot_that_can_be_colored_and_names_the_others(
    scenario: Scenario, tmp_path: Path
) -> None:
    with coloring_server(tmp_path) as server:
        found = scenario("batch.color_all", str(tmp_path / "film"), server.address)
    assert not found["nothing"]
    assert "walk: There is no painted keyframe between frames 1 and 4" in found["not ready"]
    unpainted, blind, *colored = found["reports"]
    assert "unpainted: There is no painted keyframe" in unpainted
    assert "blind: The scene has no camera" in blind
    assert ["is colored" in sentence for sentence in colored] == [True, True]
    assert found["strips"] == [[1, 5, "walk"], [100, 104, "run"]]
    assert [take[:4] for take in found["takes"]] == [
        ["run", 9, [0, 0, 1, 1], "done"],
        ["walk", 1, [0, 0, 1, 1], "done"],
    ]
    assert all(re.fullmatch(rf"{name}-\d{{8}}-\d{{6}}", folder) for name, *_, folder in found["takes"])
