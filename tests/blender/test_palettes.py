# SPDX-License-Identifier: GPL-3.0-or-later
"""Named colors of a take, in real Blender and with a real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from server.demo.server_process import running_server
from shared.palette_files import read_palette

from .conftest import Scenario


def _colors(paints: list[list[Any]]) -> list[tuple[int, ...]]:
    return [tuple(color) for _, color, _ in paints]


def test_files_name_colors_and_a_variant_recolors_a_take(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("palettes.files", str(tmp_path))
    unnamed = answer["unnamed"]
    assert [name for name, *_ in unnamed] == ["", "", ""]
    for found, words in zip(
        answer["broken"],
        ("broken.gpl: Line 2 is '1 2 red'", "broken.ase: It ends within block 1 of 7", "gone.gpl: It cannot be read"),
        strict=True,
    ):
        assert words in found
    assert answer["after broken"] == unnamed, "a broken file changes nothing"
    assert answer["named"] == [[f"Part {n}", color, same] for n, (_, color, same) in enumerate(unnamed)]
    assert answer["by hand"] == ["Hair", "Hair 2", "Part 2"]
    assert answer["kept"] == [["Hair", unnamed[0][1]], ["Part 1", unnamed[1][1]], ["Part 2", unnamed[2][1]]]
    assert [new for *_, new in answer["night"]] == [[10, 20, 30], [10, 20, 30], unnamed[2][1]]
    old = ["#" + bytes(color).hex() for _, color, _ in unnamed]
    assert answer["note"] == f"night: Hair {old[0]} → #0a141e, Part 1 {old[1]} → #0a141d"

    recolored = {name: color for name, color, _ in answer["recolored"]}
    assert recolored == {"Hair": [10, 20, 30], "Part 1": [10, 20, 29], "Part 2": unnamed[2][1]}, "two stay two"
    becomes = dict(zip(_colors(unnamed), ((10, 20, 30), (10, 20, 29), tuple(unnamed[2][1])), strict=True))
    for frame in range(3, 9):
        before, after = (
            np.asarray(Image.open(Path(answer[take]) / "fills" / f"{frame:04d}.png").convert("RGB"))
            for take in ("first", "second")
        )
        for was, now in becomes.items():
            assert (after[(before == was).all(axis=2)] == now).all()
    written = read_palette(tmp_path / "out.ase")
    assert written == read_palette(tmp_path / "out.gpl")
    assert {swatch.name: list(swatch.rgb) for swatch in written.swatches} == recolored
    assert "'.png'; .gpl, .ase are accepted" in answer["wrong ending"]
    assert answer["unwritable"] and not (tmp_path / "gone").exists()


def test_palettes_of_blender_keep_the_names_of_colors_that_are_moved_and_changed(
    scenario: Scenario, tmp_path: Path
) -> None:
    answer = scenario("palettes.blender_palettes", str(tmp_path))
    same = answer["same"]
    assert answer["count"] == 3
    assert "The file has no palette None" in answer["missing"]
    assert "Empty: A palette must have 1 to 1024 colors, not 0" in answer["empty"]
    assert [new for *_, new in answer["variant"]] == [same[0][1], [200, 100, 50], same[2][1]]


def test_the_library_shares_a_palette_and_no_change_is_lost(scenario: Scenario, tmp_path: Path) -> None:
    with running_server(tmp_path / "data", tmp_path / "server.log", "--workers", "0") as server:
        answer = scenario("palettes.library", str(tmp_path), server.address)
    assert "has no palette Show" in answer["missing"] and "not 'A/B'" in answer["slash"]
    assert (answer["stored"], answer["again"]) == (["Show", 1], 2)
    assert "has version 2 by now" in answer["unseen"]
    version, paints = answer["newest"]
    assert version == 2 and paints[0][2] == [0, 0, 0]
    assert paints[1][1] == paints[1][2], "a name gets the palette's color"
    version, paints = answer["older"]
    assert version == 1 and all(color == new for _, color, new in paints)


def test_materials_name_the_colors_and_two_of_one_color_stay_two(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("palettes.materials", str(tmp_path))
    assert answer["same"] and answer["muted"] == [False] * 4, "the scene is as it was"
    assert answer["loaded"]
    palette = {name: tuple(color) for name, color in answer["palette"]}
    hair, coat = palette["girl dress"], palette["roof"]
    assert sorted(abs(one - other) for one, other in zip(hair, coat, strict=True)) == [0, 0, 1]
    assert answer["sent"] == ["#" + bytes(color).hex() for color in palette.values()]
    counts = {tuple(color): count for color, count in answer["pixels"]}
    assert counts[hair] > 100 and counts[coat] > 100
