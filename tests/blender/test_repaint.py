# SPDX-License-Identifier: GPL-3.0-or-later
"""A region of a take gets another color, in real Blender."""

from __future__ import annotations

from pathlib import Path

from .conftest import Scenario


def test_a_region_is_colored_from_its_frame_on_in_a_take_of_its_own(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("repaint.repaint", str(tmp_path / "shot"))
    assert "press Fix This Frame" in answer["closed"]
    assert answer["message"] == ""
    changed = {int(frame): found for frame, found in answer["changed"].items()}
    assert all(right for _, right in changed.values()), "only pixels of the region changed"
    assert all((share > 0.01) == (frame >= 5) for frame, (share, _) in changed.items())
    assert answer["state"] == "done"
    assert answer["keyframes"] == [5]
    assert "has this color already" in answer["again"]
    assert answer["takes"] == 2
