# SPDX-License-Identifier: GPL-3.0-or-later
"""Exposure sheets and timelines, in real Blender."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import opentimelineio as otio
import pytest
from PIL import Image

from shared import xdts
from shared.exposure_sheet import Column, ExposureSheet

from .conftest import Scenario

CELLS = ("", "1", "1", "2", "3a", "3a", "1", "1")
ROWS = {"A_0001": 1, "A_0002": 3, "A_0003a": 5, "A_0009": 7}
"""The row of the line in each image of the sequence."""


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder of images, each with a line in a row of its own."""
    folder = tmp_path / "A"
    folder.mkdir()
    for name, row in ROWS.items():
        art = np.full((10, 20), 255, np.uint8)
        art[row] = 0
        Image.fromarray(art).save(folder / f"{name}.png")
    return folder


def write_sheet(path: Path, *columns: Column) -> str:
    path.write_bytes(xdts.write(ExposureSheet(columns)))
    return str(path)


def test_a_sheet_times_an_image_sequence_and_a_take_gets_one(scenario: Scenario, images: Path, tmp_path: Path) -> None:
    take = tmp_path / "take"
    sheet = write_sheet(tmp_path / "cut.xdts", Column("A", CELLS), Column("B", ("5",) * len(CELLS)))
    answer = scenario("lineart.sheet", str(take), str(images / "A_0001.png"), sheet)
    assert answer == {"timing": [0, 1, 1, 2, 3, 3, 1, 1], "start": 11, "drawings": 4}
    for frame, cell in enumerate(CELLS, start=11):
        art = np.asarray(Image.open(take / "lineart" / f"{frame:04d}.png").convert("L"))
        row = next((row for name, row in ROWS.items() if name.endswith(cell)), None) if cell else None
        assert art.shape == (10, 20) and np.flatnonzero((art < 128).all(axis=1)).tolist() == ([row] if cell else [])
    written = xdts.read_sheet(take / "exposure.xdts")
    first = ["0011", "0012", "0012", "0014", "0015", "0015", "0012", "0012"]
    assert [(column.name, list(column.cells)) for column in written.columns] == [("colored", first)]
    for frame, cell in enumerate(written.columns[0].cells, start=11):
        pictures = (take / "colored" / f"{name}.png" for name in (cell, f"{frame:04d}"))
        assert len({path.read_bytes() for path in pictures}) == 1, "the sheet names the picture of each frame"


def test_a_sheet_that_cannot_be_used_is_named_and_nothing_is_exported(
    scenario: Scenario, images: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.xdts").write_text("exchangeDigitalTimeSheet Save Data\n{", encoding="utf-8")
    sheet = write_sheet(tmp_path / "cut.xdts", Column("B", ("4",) * 8), Column("A", CELLS))
    for path, column, end, sentence in (
        (str(tmp_path / "broken.xdts"), "", 18, "broken.xdts: It is damaged"),
        (sheet, "C", 18, "cut.xdts: It has no column 'C': choose one of its columns, which are 'B', 'A'"),
        (sheet, "B", 18, "cut.xdts: The folder has no picture of 1 cels of column 'B' (4)"),
        (sheet, "", 20, "The image sequence has no image for frames 19..20"),
    ):
        answer = scenario("lineart.sheet", str(tmp_path / "take"), str(images), path, column, end)
        assert sentence in answer["said"] and answer["files"] == []


def test_a_batch_is_a_timeline_with_one_clip_a_take(scenario: Scenario, tmp_path: Path) -> None:
    (tmp_path / "film").mkdir()
    answer = scenario("batch.timeline", str(tmp_path / "film"))
    assert not answer["no batch"] and answer["nothing written"] == []
    assert "No enabled shot of the batch has a finished take" in answer["no takes"]
    assert answer["result"] == ["FINISHED"] and "gone" in answer["unwritable"]
    found = otio.adapters.read_from_file(str(tmp_path / "film" / "film.otio"))
    (track,) = found.video_tracks()
    assert [(type(item).__name__, item.name, item.duration().value) for item in track] == [
        ("Clip", "walk", 6),
        ("Gap", "", 13),
        ("Clip", "run", 6),
    ]
    for clip, folder in zip(track.find_clips(), ("walk 2", "run 1"), strict=True):
        pictures = clip.media_reference
        urls = [pictures.target_url_for_image_number(index) for index in range(6)]
        here = (tmp_path / "film" / folder / "colored").iterdir()
        assert urls == sorted(path.as_uri() for path in here)
