# SPDX-License-Identifier: GPL-3.0-or-later
"""The strips of a finished take in real Blender's Sequencer."""

from __future__ import annotations

from pathlib import Path

from .conftest import Scenario


def test_strips_lie_at_the_shot_s_frames_above_what_is_there_and_show_the_right_drawings(
    scenario: Scenario, tmp_path: Path
) -> None:
    answer = scenario("strips.place_strips", str(tmp_path / "take"))
    assert "lacks 6 frames, the first of them 3" in answer["missing"]

    # Channel 2 is taken at the last frame; 6 and 7 only outside of the shot. The second take goes above the first.
    assert [strip["channel"] for strip in answer["placed"]] == [3, 4, 5, 6]
    for strip in answer["placed"]:
        assert strip["range"] == [3, 9]
        assert strip["files"] == [f"{frame:04d}.png" for frame in range(3, 9)]
        assert (strip["job"], strip["seed"], strip["preset"]) == (answer["job"], 7, "tiny")
    assert [strip["blend"] == "DARKEN" for strip in answer["placed"]] == [False, True, False, True]
    assert answer["shown"] == answer["wanted"]
