# SPDX-License-Identifier: GPL-3.0-or-later
"""Model sheets, in real Blender."""

from __future__ import annotations

from pathlib import Path

from .conftest import Scenario


def test_sheets_are_saved_with_the_file_sent_with_the_take_and_kept_by_its_corrections(
    scenario: Scenario, tmp_path: Path
) -> None:
    answer = scenario("sheets.exported", str(tmp_path / "shot"))
    assert answer["names"] == ["girl.png", "Crossing sheet 2"]
    assert answer["off"] == 0
    assert answer["frame"] == 0
    assert answer["files"] == ["1.png", "2.png"]
    assert answer["corrected"] == ["1.png", "2.png"]
    assert answer["same"]
    assert answer["without"] == [False, []]


def test_a_changed_color_is_also_changed_in_the_sheets(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("sheets.recolored", str(tmp_path / "shot"))
    assert answer["sheet"] == [255, 0, 0]
    assert answer["file"] == "1.png"


def test_the_scenes_of_a_batch_share_sheets(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("sheets.shared", str(tmp_path / "shot"))
    assert not answer["alone"]
    assert answer["other"] == ["girl.png"]


def test_what_is_no_sheet_is_refused_before_anything_is_changed(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("sheets.refused", str(tmp_path / "shot"))
    assert "notes.png is not an image" in answer["no image"][0]
    assert answer["no image"][1] == 0
    assert "can have 4 model sheets: choose 4 at most" in answer["too many"][0]
    assert answer["too many"][1] == 0
    assert "'empty.png' is empty" in answer["empty"][0]
    assert answer["empty"][1] == []
