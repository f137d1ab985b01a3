# SPDX-License-Identifier: GPL-3.0-or-later
"""An export leaves the scene unchanged, and no incomplete files on the disk, in real Blender."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from .conftest import Scenario

SOURCES = ("pencil", "line_art", "freestyle", "mixed", "images")


def test_every_setting_of_an_odd_scene_is_as_before_whatever_the_source_and_however_it_ends(
    scenario: Scenario, tmp_path: Path
) -> None:
    answer = scenario("lineart.restored", str(tmp_path))
    for source in SOURCES:
        assert answer[source] == [], source
        assert answer[f"{source} abandoned"] == [], f"{source} abandoned"
        assert sorted(path.name for path in (tmp_path / source).iterdir()) == ["keyframes", "lineart", "take.json"]
        if source != "images":
            assert answer[f"{source} within"] > 10, "the comparison sees no change even during the export"
            assert "could not render frame 2" in answer[f"{source} message"]
            assert answer[f"{source} failed"] == [], f"{source} failed"
    before, after = (np.asarray(Image.open(tmp_path / f"{name}.png")) for name in ("rendered", "still rendered"))
    assert np.array_equal(before, after), "the animator's own last render was lost"


def test_a_scene_that_renders_to_any_kind_of_file_still_does_so_afterwards(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("lineart.outputs", str(tmp_path))
    assert {"PNG", "OPEN_EXR_MULTILAYER", "FFMPEG"} <= {name.split()[-1] for name in answer}
    for name, found in answer.items():
        assert found == [], name


def test_line_art_is_the_same_while_an_object_is_drawn_or_edited(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("lineart.modes", str(tmp_path))
    assert len(answer) > 4, f"only these modes were tried: {', '.join(answer)}"
    for mode, found in answer.items():
        assert found == [[], [], mode], mode


def test_each_line_art_that_cannot_be_exported_gets_a_message_that_says_what_to_do(
    scenario: Scenario, tmp_path: Path
) -> None:
    answer = scenario("lineart.bad", str(tmp_path))
    wanted = {
        "no line art modifier": "has no Line Art modifier that renders: add one",
        "freestyle is off": "Freestyle is off: enable it in the Render properties",
        "no images": "No image sequence is chosen: choose its folder",
        "step": "The step of 9 frames is longer than the range of 4: choose a shorter step",
        "empty collection": "no line art in the collection 'Empty'",
        "no layer": "set at least one of its layers to Lines",
        "no line set": "Freestyle has no line set that renders: add one",
        "no view layer": "No view layer of the scene renders: switch one on",
        "folder": "choose a writable output folder",
        "disk full": "free up space",
    }
    assert answer.pop("left") == []
    assert wanted.keys() == answer.keys()
    for name, part in wanted.items():
        assert part in answer[name], name
