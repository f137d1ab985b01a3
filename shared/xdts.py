# SPDX-License-Identifier: GPL-3.0-or-later
"""The exchange digital time sheet of Toei and CELSYS (.xdts), which Clip Studio Paint, TVPaint and OpenToonz know.

The file begins with the words `exchangeDigitalTimeSheet Save Data`. JSON follows, in UTF-8. It has `timeTables`, of
which the first one counts, as in OpenToonz. A table has a `duration` in frames, and `fields`. The field 0 has the
drawings; others have dialogue (3) and the camera (5), and are not read. A field has `tracks`, which `timeTableHeaders`
name by their `trackNo`. A track lists only the frames, from 0, at which something changes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .errors import SheetError
from .exposure_sheet import MOST_FRAMES, Column, ExposureSheet
from .protocol import shown
from .translatable_text import TranslatableText

SUFFIX = ".xdts"
FIRST_WORDS = "exchangeDigitalTimeSheet Save Data"
VERSION = 5
NO_CELL, HYPHEN = "SYMBOL_NULL_CELL", "SYMBOL_HYPHEN"
MARKS = ("SYMBOL_TICK_1", "SYMBOL_TICK_2")
"""The signs of an inbetween, and of one that is played in reverse. As a hyphen does, they hold the cel."""

_CELLS = 0
_MOST_BYTES = 16_000_000
_MOST_COLUMNS = 1000


def read_sheet(path: Path) -> ExposureSheet:
    """Read a sheet. Raises SheetError, with a sentence that names the file, what was found, and what is accepted."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise SheetError(TranslatableText("It is too large for an exposure sheet: choose another file."))
        return read(content)
    except OSError as error:
        reason: str = TranslatableText("It cannot be read: {reason}.", reason=error.strerror or str(error))
        raise named(path, reason) from error
    except SheetError as error:
        raise named(path, str(error)) from error


def named(path: Path, problem: str) -> SheetError:
    """The error about a sheet's file."""
    return SheetError(TranslatableText("{path}: {problem}", path=path.name, problem=problem))


def read(content: bytes) -> ExposureSheet:
    """Read a sheet. Raises SheetError, which names the place, what was found, and what is accepted."""
    text = content.decode("utf-8-sig", errors="replace").lstrip()
    if not text.startswith(FIRST_WORDS):
        raise SheetError(
            TranslatableText(
                "It begins with {found}, not with {wanted}: export the exposure sheet again, as XDTS.",
                found=shown(text[:40]),
                wanted=FIRST_WORDS,
            )
        )
    try:
        document = json.loads(text[len(FIRST_WORDS) :])
    except (ValueError, RecursionError) as error:
        raise SheetError(
            TranslatableText(
                "It is damaged: after its first line, it is no JSON ({reason}). Export it again.", reason=str(error)
            )
        ) from error
    root = _of_kind(document, dict, "the document")
    version = root.get("version", VERSION)
    if version != VERSION:
        raise SheetError(
            TranslatableText(
                "It has version {found}; version {wanted} is read: export it again.",
                found=shown(version),
                wanted=VERSION,
            )
        )
    tables = _items(root, "timeTables", "timeTables")
    if not tables:
        raise SheetError(TranslatableText("It has no time table: export it with the layer of the drawings."))
    header = _of_kind(root.get("header", {}), dict, "header")
    columns = tuple(_columns(tables[0]))
    if not columns:
        raise SheetError(TranslatableText("None of its columns has a cel: export it with the layer of the drawings."))
    name, cut, scene = tables[0].get("name", ""), header.get("cut", ""), header.get("scene", "")
    return ExposureSheet(columns, *(value if isinstance(value, str) else "" for value in (name, scene, cut)))


def write(sheet: ExposureSheet) -> bytes:
    """Return a file with a sheet."""
    tracks = [{"frames": _changes(column), "trackNo": number} for number, column in enumerate(sheet.columns)]
    table = {
        "duration": len(sheet.columns[0].cells),
        "fields": [{"fieldId": _CELLS, "tracks": tracks}],
        "name": sheet.name,
        "timeTableHeaders": [{"fieldId": _CELLS, "names": [column.name for column in sheet.columns]}],
    }
    header = {"header": {"cut": sheet.cut, "scene": sheet.scene}} if sheet.cut or sheet.scene else {}
    document = header | {"timeTables": [table], "version": VERSION}
    return f"{FIRST_WORDS}\n{json.dumps(document, indent=1, ensure_ascii=False)}\n".encode()


def _columns(table: Mapping[str, Any]) -> Iterator[Column]:
    """Yield the columns of a table that have cels, in the order of their numbers."""
    duration = table.get("duration")
    if type(duration) is not int or not 0 < duration <= MOST_FRAMES:
        raise SheetError(
            TranslatableText(
                "Its {place} is {found}; a number of frames from 1 to {most} is accepted: export it again.",
                place="duration",
                found=shown(duration),
                most=MOST_FRAMES,
            )
        )
    names = [
        name
        for header in _items(table, "timeTableHeaders", "timeTableHeaders")
        if header.get("fieldId") == _CELLS
        for name in _of_kind(header.get("names"), list, "timeTableHeaders.names")
    ]
    tracks = [
        track
        for field in _items(table, "fields", "fields")
        if field.get("fieldId") == _CELLS
        for track in _items(field, "tracks", "tracks")
    ]
    if len(tracks) > _MOST_COLUMNS:
        raise SheetError(
            TranslatableText(
                "It has {count} columns; {most} at most are read: export only the layer of the drawings.",
                count=len(tracks),
                most=_MOST_COLUMNS,
            )
        )
    known = {}
    for track in tracks:
        number = track.get("trackNo")
        if type(number) is not int or not 0 <= number < len(names) or not isinstance(names[number], str):
            raise SheetError(
                TranslatableText(
                    "Its {place} is {found}; the number of one of the {count} names of columns is accepted: export it "
                    "again.",
                    place="trackNo",
                    found=shown(number),
                    count=len(names),
                )
            )
        known[number] = _column(names[number], _items(track, "frames", "frames"), duration)
    yield from (known[number] for number in sorted(known) if known[number].cels)


def _column(name: str, frames: list[dict[str, Any]], duration: int) -> Column:
    """Read a track. Clip Studio Paint also writes frames before the first one: the last of them is held."""
    changes: dict[int, str] = {}
    marks: dict[int, str] = {}
    for entry in frames:
        frame = entry.get("frame")
        if type(frame) is not int:
            raise SheetError(
                TranslatableText(
                    "The column {name} has the frame {found}; a whole number is accepted: export it again.",
                    name=repr(name),
                    found=shown(frame),
                )
            )
        value = _value(name, frame, entry)
        if value in MARKS:
            marks[frame] = value
        elif value != HYPHEN:
            changes[frame] = value
    cell, cells = "", list[str]()
    pending = sorted(changes.items(), reverse=True)
    for frame in range(duration):
        while pending and pending[-1][0] <= frame:
            cell = pending.pop()[1]
        cells.append(cell)
    return Column(name.strip(), tuple(cells), {frame: mark for frame, mark in marks.items() if 0 <= frame < duration})


def _value(name: str, frame: int, entry: Mapping[str, Any]) -> str:
    """What an entry of a track says: a cel, "" for none, or a symbol."""
    data = _items(entry, "data", "data")
    values = _of_kind(data[0].get("values", []), list, "values") if data else []
    value = values[0] if values else NO_CELL
    if not isinstance(value, str):
        raise SheetError(
            TranslatableText(
                "At frame {frame}, the column {name} has {found}; the name of a cel is accepted, as a text: export it "
                "again.",
                frame=frame + 1,
                name=repr(name),
                found=shown(value),
            )
        )
    return "" if value == NO_CELL else value.strip()


def _changes(column: Column) -> list[dict[str, Any]]:
    """The frames at which a column changes or has a mark, and its end."""
    before, changes = None, list[tuple[int, str]]()
    for frame, cell in enumerate((*column.cells, "")):
        if cell != before or frame == len(column.cells):
            changes.append((frame, cell or NO_CELL))
        elif frame in column.marks:
            changes.append((frame, column.marks[frame]))
        before = cell
    return [{"data": [{"id": 0, "values": [value]}], "frame": frame} for frame, value in changes]


def _items(parent: Mapping[str, Any], key: str, place: str) -> list[dict[str, Any]]:
    """The objects in a list of an object; none if the list is missing."""
    return [_of_kind(item, dict, place) for item in _of_kind(parent.get(key, []), list, place)]


def _of_kind(value: Any, kind: type, place: str) -> Any:
    if not isinstance(value, kind):
        raise SheetError(
            TranslatableText(
                "Its {place} is {found}; {wanted} is accepted: export it again.",
                place=place,
                found=shown(value),
                wanted="{…}" if kind is dict else "[…]",
            )
        )
    return value
