# SPDX-License-Identifier: GPL-3.0-or-later
"""Check Shot in real Blender."""

from __future__ import annotations

from pathlib import Path

from .conftest import Scenario


def test_a_shot_is_checked_without_a_server_and_what_is_found_can_be_shown(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("checks.check", str(tmp_path / "shot"))
    assert answer["state"] == "exported", "it was sent"
    assert answer["problem"] == ""
    assert answer["looked at"] == [4, 4]
    (misaligned,) = [found for found in answer["findings"] if found[0] == "warning"]
    assert misaligned[1] == 3
    assert "does not lie on its drawing: it is 12 pixels to the side" in misaligned[2]
    assert [3, 5] in [strip["range"] for strip in answer["overlay"]], "the drawing is held"
    assert answer["paper"] == [255, 255, 255]
    assert answer["taken away"] == 0
    assert answer["fits"] == [3]
    assert answer["after fitting"] == []
    assert answer["frame"] == 5
