# SPDX-License-Identifier: GPL-3.0-or-later
"""A take becomes Grease Pencil fills, in real Blender."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from .conftest import Scenario

_NEAR = 4
"""How much the levels of a pixel may differ: colors that differ less are one material."""


@pytest.mark.parametrize("look", ["plain", "moving", "holes"])
def test_fills_look_like_the_take(scenario: Scenario, tmp_path: Path, look: str) -> None:
    answer = scenario("fills.make", str(tmp_path), look)
    for frame, path in answer["rendered"].items():
        share = _equal_off_lines(answer, int(frame), path)
        assert share >= 0.995, f"{look}, frame {frame}: {share:.4%} of the pixels off the lines are equal"
    whole = np.asarray(Image.open(answer["whole"]).convert("RGB")).max(axis=2)
    line_art = np.asarray(Image.open(Path(answer["lineart"]) / "0006.png").convert("RGB")).min(axis=2)
    assert (whole[line_art < 40] < 60).mean() > 0.99, "the lines are over the fills"
    assert answer["same_line_art"], "fills are not in the line art"
    assert answer["untouched"]
    assert answer["fills"], "a stroke without a fill"
    starts = [frame for frame, _ in answer["keys"]]
    assert starts == ([3, 4, 5, 6, 7, 8, 9] if look == "moving" else [3, 5, 7, 9])
    assert answer["keys"][-1] == [9, 0], "an empty key ends the last hold"
    assert all(count for _, count in answer["keys"][:-1])
    assert any(is_own for _, is_own, _ in answer["materials"]), "the scene's own materials are used"
    assert len(answer["materials"]) == len({name for name, *_ in answer["materials"]})
    assert [hidden for _, hidden in answer["again"]] == [True, False], "edited fills are kept, and hidden"


@pytest.mark.parametrize("look", ["plain", "moving"])
def test_the_fills_of_each_object_are_behind_it(scenario: Scenario, tmp_path: Path, look: str) -> None:
    answer = scenario("fills.make_by_objects", str(tmp_path), look)
    for frame, path in answer["rendered"].items():
        share = _equal_off_lines(answer, int(frame), path)
        assert share >= 0.995, f"{look}, frame {frame}: {share:.4%} of the pixels off the lines are equal"
    owners = [name.rpartition(" fills of ")[2] for name in answer["names"]]
    assert {"Girl", "Boy"} <= {*owners}
    for owner, depth in zip(owners, answer["depths"], strict=True):
        if owner in answer["drawn"]:
            assert 1.0 < depth / answer["drawn"][owner] < 1.01, owner
    alone = np.asarray(Image.open(answer["alone"]))[..., 3]
    assert 0.01 < (alone > 0).mean() < 0.5, "an object has only its own fills"
    names = [name for used in answer["materials"] for name in used]
    assert any(names.count(name) > 1 for name in names) or len(names) == len({*names}), "one material a color"
    assert [hidden for _, hidden in answer["again"]] == [True] * len(owners) + [False], answer["again"]


def _equal_off_lines(answer: dict[str, Any], frame: int, path: str) -> float:
    """The share of pixels off the lines that have the take's color and alpha."""
    name = f"{frame:04d}.png"
    wanted, found = (
        np.asarray(Image.open(file).convert("RGBA")).astype(int) for file in (Path(answer["folder"]) / name, path)
    )
    line_art = np.asarray(Image.open(Path(answer["lineart"]) / name).convert("RGB")).min(axis=2)
    equal = (np.abs(wanted - found) <= _NEAR).all(axis=2) | ((wanted[..., 3] == 0) & (found[..., 3] == 0))
    return float(equal[line_art >= 224].mean())


def test_one_drawing_is_filled_as_long_as_it_is_held(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("fills.fill_drawing", str(tmp_path))
    assert [frame for frame, _ in answer["first"]["keys"]] == [5, 7]
    assert [frame for frame, _ in answer["second"]["keys"]] == [3, 5, 7]
    assert [bool(count) for _, count in answer["second"]["keys"]] == [True, True, False]
    assert answer["objects"] == 1
    assert "No take is shown at frame 100" in answer["beside"]


def test_what_cannot_be_filled_changes_nothing(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("fills.refused", str(tmp_path))
    assert "other proportions" in answer["proportions"]
    assert "no camera" in answer["camera"]
    assert "0005.png is not a PNG image" in answer["broken"]
    assert "has no fills here" in answer["missing"]
    assert answer["unchanged"]
