# SPDX-License-Identifier: GPL-3.0-or-later
"""Check Shot in real Blender."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from server.demo.cartoon import PAINTS

from .conftest import Scenario


def test_a_shot_is_checked_without_a_server_and_what_is_found_can_be_shown(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("checks.check", str(tmp_path / "shot"))
    assert answer["state"] == "exported", "it was sent"
    assert answer["problem"] == ""
    assert answer["looked at"] == [4, 4]
    (misaligned,) = [found for found in answer["findings"] if found[0] == "warning"]
    assert misaligned[1] == 3
    assert "is not aligned with its drawing: it is off by 12 pixels horizontally" in misaligned[2]
    lines, *pictures = answer["overlay"]
    assert lines["range"] == [1, 7] and lines["directory"].endswith("/lineart/")
    assert [3, 5] in [strip["range"] for strip in pictures], "the drawing is held"
    half = (np.array(list(bytes.fromhex(PAINTS["sky"]))) + 255) / 2
    assert np.abs(half - answer["sky"]).max() <= 1, "the keyframe shows through, over the drawing's paper"
    assert answer["taken away"] == 0
    assert answer["fits"] == [3]
    assert answer["folders"] == [False, True], "a check takes the place of the one before"
    assert answer["numbers"] == [1, 1]
    assert answer["overlays left"] == 0
    assert answer["after fitting"] == []
    assert answer["frame"] == 5
