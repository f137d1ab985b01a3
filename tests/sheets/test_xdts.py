# SPDX-License-Identifier: GPL-3.0-or-later
"""Exposure sheets in files: what is written is read again, and a broken file is named in a sentence."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared import xdts
from shared.errors import SheetError
from shared.exposure_sheet import MOST_FRAMES, Column, ExposureSheet

NAMES = ("1", "2", "3a", "A_0001", "動画 12", "SYMBOL", "😀")


def some_sheet(seed: int) -> ExposureSheet:
    """A sheet of made-up columns, in which cels are held, shown again, and absent."""
    chance = random.Random(seed)
    frames = chance.randrange(1, 200)
    columns = []
    for number in range(chance.randrange(1, 5)):
        cells: list[str] = []
        while len(cells) < frames:
            cells += [chance.choice(("", *NAMES))] * chance.randrange(1, 9)
        cells = [*cells[: frames - 1], "1"]
        held = [frame for frame in range(1, len(cells)) if cells[frame] == cells[frame - 1]]
        marks = {frame: chance.choice(xdts.MARKS) for frame in held if chance.random() < 0.3}
        columns.append(Column(f"{chance.choice(NAMES)} {number}", tuple(cells), marks))
    return ExposureSheet(tuple(columns), chance.choice(("", "漢字")), "3", chance.choice(("", "12")))


@pytest.mark.parametrize("seed", range(20))
def test_what_is_written_is_read_again(tmp_path: Path, seed: int) -> None:
    path, sheet = tmp_path / "cut.xdts", some_sheet(seed)
    path.write_bytes(xdts.write(sheet))
    assert xdts.read_sheet(path) == sheet


def track(number: int, *changes: tuple[int, Any], **more: Any) -> dict[str, Any]:
    frames = [{"frame": frame, "data": [{"id": 0, "values": [value]}]} for frame, value in changes]
    return {"trackNo": number, "frames": frames, **more}


def content(*tracks: Any, names: Any = ("A", "B", "C"), first: str = f"{xdts.FIRST_WORDS}\n", **more: Any) -> bytes:
    table = {
        "name": "Cut",
        "duration": 8,
        "fields": [{"fieldId": 5, "tracks": [track(0, (0, "PAN"))]}, {"fieldId": 0, "tracks": list(tracks)}],
        "timeTableHeaders": [{"fieldId": 5, "names": ["Camera"]}, {"fieldId": 0, "names": list(names)}],
        **more,
    }
    return (first + json.dumps({"timeTables": [table], "version": 5})).encode()


def cells_of(content: bytes) -> dict[str, str]:
    return {column.name: " ".join(cell or "-" for cell in column.cells) for column in xdts.read(content).columns}


def test_the_symbols_hold_a_cel_or_end_it() -> None:
    found = xdts.read(
        content(
            track(0, (4, "SYMBOL_NULL_CELL"), (0, "1"), (1, "SYMBOL_TICK_1"), (2, "2"), (3, "SYMBOL_HYPHEN")),
            track(2, (2, "1"), (3, "SYMBOL_TICK_2"), (8, "9"), (99, "SYMBOL_NULL_CELL")),
            track(1, (0, "SYMBOL_NULL_CELL")),
        )
    )
    assert [column.name for column in found.columns] == ["A", "C"], "a column without a cel is none"
    assert found.columns[0].cells == ("1", "1", "2", "2", "", "", "", "")
    assert found.columns[0].marks == {1: "SYMBOL_TICK_1"}
    assert found.columns[1].cells == ("", "", "1", "1", "1", "1", "1", "1"), "what lies after the end is left out"
    assert found.columns[1].cels == ("1",)


def test_sheets_of_other_programs() -> None:
    """Clip Studio Paint writes frames before the first one, others a mark of the byte order or no line break."""
    before = content(track(0, (-9, "1"), (-2, "2"), (3, "3")))
    assert cells_of(before) == {"A": "2 2 2 3 3 3 3 3"}
    assert cells_of(content(track(0, (0, "1")), first=f"\ufeff{xdts.FIRST_WORDS}\r\n")) == {"A": " ".join("1" * 8)}
    assert cells_of(content(track(0, (0, "1")), first=xdts.FIRST_WORDS)) == {"A": " ".join("1" * 8)}
    empty = track(0, (0, "1"))
    empty["frames"] += [{"frame": 2, "data": []}, {"frame": 4, "data": [{"id": 0, "values": []}]}]
    assert cells_of(content(empty)) == {"A": "1 1 - - - - - -"}


def test_what_is_written_is_what_other_programs_read() -> None:
    """The keys and kinds are those of the format's description and of OpenToonz, with an end after the last frame."""
    text = xdts.write(
        ExposureSheet((Column("A", ("", "1", "1", "2"), {2: "SYMBOL_TICK_1"}),), "Cut", "3", "12")
    ).decode()
    first, _, rest = text.partition("\n")
    assert first == "exchangeDigitalTimeSheet Save Data"
    frames = [(0, "SYMBOL_NULL_CELL"), (1, "1"), (2, "SYMBOL_TICK_1"), (3, "2"), (4, "SYMBOL_NULL_CELL")]
    assert json.loads(rest) == {
        "header": {"cut": "12", "scene": "3"},
        "timeTables": [
            {
                "duration": 4,
                "fields": [{"fieldId": 0, "tracks": [track(0, *frames)]}],
                "name": "Cut",
                "timeTableHeaders": [{"fieldId": 0, "names": ["A"]}],
            }
        ],
        "version": 5,
    }


BROKEN = {
    "It begins with ''": b"",
    "It begins with 'toeiDigitalTimeSheet Save Data": b"toeiDigitalTimeSheet Save Data\n{}",
    "It begins with '\ufffdPNG": b"\x89PNG\r\n",
    "after its first line, it is no JSON (Expecting": f"{xdts.FIRST_WORDS}\n".encode() + b'{"timeTables": [',
    "it is no JSON (maximum recursion": f"{xdts.FIRST_WORDS}\n".encode() + b"[" * 100_000,
    "the document is [1]; {…} is accepted": f"{xdts.FIRST_WORDS}\n[1]".encode(),
    "It has version 6; version 5 is read": f'{xdts.FIRST_WORDS}\n{{"version": 6}}'.encode(),
    "It has no time table": f'{xdts.FIRST_WORDS}\n{{"version": 5}}'.encode(),
    "Its timeTables is 7; […] is accepted": f'{xdts.FIRST_WORDS}\n{{"timeTables": 7}}'.encode(),
    f"Its duration is 0; a number of frames from 1 to {MOST_FRAMES}": content(track(0, (0, "1")), duration=0),
    "Its duration is None": content(track(0, (0, "1")), duration=None),
    "Its duration is True": content(track(0, (0, "1")), duration=True),
    "Its trackNo is 3; the number of one of the 3 names": content(track(3, (0, "1"))),
    "Its trackNo is -1": content(track(-1, (0, "1"))),
    "Its trackNo is '0'": content(track(0, (0, "1"), trackNo="0")),
    "Its trackNo is 1; the number of one of the 2 names": content(track(1, (0, "1")), names=("A", None)),
    "Its frames is 'x'": content(track(0, frames="x")),
    "The column 'A' has the frame 1.5; a whole number": content(track(0, (1.5, "1"))),  # type: ignore[arg-type]
    "At frame 3, the column 'A' has 12; the name of a cel": content(track(0, (2, 12))),
    "Its tracks is None": content(fields=[{"fieldId": 0, "tracks": None}]),
    "None of its columns has a cel": content(track(0, (0, "SYMBOL_NULL_CELL"))),
    "It has 1001 columns; 1000 at most": content(*[track(0)] * 1001),
}


@pytest.mark.parametrize("sentence", BROKEN)
def test_a_broken_sheet_gets_a_sentence_that_names_the_file(tmp_path: Path, sentence: str) -> None:
    path = tmp_path / "cut.xdts"
    path.write_bytes(BROKEN[sentence])
    with pytest.raises(SheetError) as found:
        xdts.read_sheet(path)
    assert str(found.value).startswith("cut.xdts: ") and sentence in str(found.value)
    assert len(str(found.value)) < 400


def test_files_that_are_not_there_or_too_large_are_named(tmp_path: Path) -> None:
    with pytest.raises(SheetError, match=r"gone\.xdts: It cannot be read: No such file"):
        xdts.read_sheet(tmp_path / "gone.xdts")
    with open(tmp_path / "large.xdts", "wb") as file:
        file.truncate(20_000_000)
    with pytest.raises(SheetError, match=r"large\.xdts: It is too large"):
        xdts.read_sheet(tmp_path / "large.xdts")


@pytest.mark.parametrize("seed", range(200))
def test_any_damage_is_a_sentence_or_a_sheet(seed: int) -> None:
    chance = random.Random(seed)
    bytes_ = bytearray(xdts.write(some_sheet(seed)))
    for _ in range(chance.randrange(1, 6)):
        place = chance.randrange(len(bytes_))
        bytes_[place : place + chance.randrange(3)] = bytes(chance.choices(b'{}[]",:0-9aN\xff', k=chance.randrange(3)))
    try:
        assert xdts.read(bytes(bytes_)).columns
    except SheetError as error:
        assert str(error)


def test_a_column_is_chosen_by_name_or_is_the_only_one_or_that_of_the_folder() -> None:
    one, two, twin = (Column(name, ("1",)) for name in ("A", "b", "B "))
    refused: Callable[..., Any] = pytest.raises
    assert ExposureSheet((one,)).column("", "walk") == one
    assert ExposureSheet((one, two)).column("B") == two
    assert ExposureSheet((one, two)).column("", "a") == one
    with refused(SheetError, match="It has several columns, 'A', 'b': give the name"):
        ExposureSheet((one, two)).column("", "walk")
    with refused(SheetError, match="It has no column 'C': choose one of its columns, which are 'A', 'b'"):
        ExposureSheet((one, two)).column("C")
    with refused(SheetError, match="It has 2 columns named 'b'"):
        ExposureSheet((one, two, twin)).column("B")
