# SPDX-License-Identifier: GPL-3.0-or-later
"""Check Shot in real Blender."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

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


def test_the_strips_of_a_check_go_when_the_shot_is_sent_or_the_check_is_gone(
    scenario: Scenario, tmp_path: Path
) -> None:
    answer = scenario("checks.overlays", str(tmp_path / "shot"))
    assert answer["hidden"] == 0
    assert answer["known"] == [True, True], "a file that is opened again keeps them"
    assert answer["gone"] == 0
    assert answer["sent"] == 0
    assert len(set(answer["steps"])) > 1 or answer["steps"] == [3, 3, 3]


def test_findings_that_say_the_same_are_listed_once(addon: Callable[[str], ModuleType]) -> None:
    text, finding = addon("shared.translatable_text").TranslatableText, addon("checks.findings").Finding
    gaps = [finding("note", frame, frame + 1, text("gaps: {count}", count=2)) for frame in (*range(101, 149, 2), 160)]
    off = [finding("warning", frame, frame, text("off by {x}", x=3), fits=True) for frame in (103, 105)]
    blank = [finding("warning", frame, frame, text("white")) for frame in (120, 121)]
    groups = addon("checks.groups").grouped([*gaps, *off, *blank])
    assert [(group.sentence, group.names, group.fits) for group in groups] == [
        ("gaps: 50", ["101–148", "160–161"], False),
        ("off by 3", ["103"], True),
        ("off by 3", ["105"], True),
        ("white", ["120–121"], False),
    ]
