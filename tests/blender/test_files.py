# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes belong to a file, and follow it wherever it goes, in real Blender."""

from __future__ import annotations

from pathlib import Path

from .conftest import Scenario


def test_takes_follow_a_file_that_is_saved_under_another_name_copied_or_moved(
    scenario: Scenario, tmp_path: Path
) -> None:
    answer = scenario("files.followed", str(tmp_path))
    assert answer.pop("folder") == ["copied"]
    # The first take has no strips: the file it was last saved in lists it, also after a move.
    in_the_sequencer_alone = ("the first file again",)
    for what, found in answer.items():
        assert found == [[2] if what in in_the_sequencer_alone else [1, 2], True], what
