# SPDX-License-Identifier: GPL-3.0-or-later
"""A frame is fixed by hand, and only what depends on it is colored again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image

from shared.protocol import API_PREFIX

from .conftest import Scenario
from .servers import coloring_server


def test_a_fixed_frame_becomes_the_last_keyframe_of_a_new_take(scenario: Scenario, tmp_path: Path) -> None:
    with coloring_server(tmp_path) as server:
        answer = scenario("fix.fix", str(tmp_path / "shot"), server.address)
        first, second, third = answer["takes"]
        segments = requests.get(f"{server.address}{API_PREFIX}/jobs/{second['job']}/segments", timeout=30).json()
    assert answer["packed"], "what is painted would be lost with the file"
    assert answer["regions"] == [["Regions"], [240, 135]]
    assert answer["images"] == 1, "a frame that is being fixed is opened again, not newly made"
    assert [take["number"] for take in answer["takes"]] == [1, 2, 3]
    assert {take["state"] for take in answer["takes"]} == {"done"}
    assert answer["strips"] == [True, True, False]
    assert answer["keyframes"] == [[1, None], [7, "Crossing, take 1, frame 7"]], "a fix is a keyframe of the shot, too"
    assert answer["settings"] == [[1, [240, 135]]]

    assert (second["manifest"]["parent"], third["manifest"]["parent"]) == (first["job"], first["job"])
    for name in ("drawings", "timing", "seed", "preset", "frame_start"):
        assert second["manifest"][name] == first["manifest"][name]
    (keyframe,) = first["manifest"]["keyframes"]
    assert second["manifest"]["keyframes"][0] == keyframe
    assert [(one["frame"], one["correction"]) for one in second["manifest"]["keyframes"]] == [(1, 0), (7, 1)]
    painted = np.asarray(Image.open(Path(second["folder"]) / "keyframes" / "0007.png").convert("RGB"))
    assert tuple(painted[-5, 5]) == (220, 30, 40)
    before = np.asarray(Image.open(Path(first["folder"]) / "colored" / "0007.png").convert("RGB"))
    assert (painted[:-20] == before[:-20]).all()

    assert any(segment["reused"] for segment in segments), segments
    for frame in segments[0]["frames"]:
        name = f"colored/{frame:04d}.png"
        assert (Path(first["folder"]) / name).read_bytes() == (Path(second["folder"]) / name).read_bytes()


@pytest.mark.parametrize(("operator", "words"), [("fix_frame", "No take is shown"), ("recolor_from_fix", "No take")])
def test_where_nothing_is_colored_there_is_nothing_to_fix(
    scenario: Scenario, tmp_path: Path, operator: str, words: str
) -> None:
    assert words in scenario("fix.refused", str(tmp_path))[operator]
