# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the pictures of the cels of an exposure sheet by their names.

Names are compared by their words and numbers: upper and lower case, separators, and zeros before a number do not
matter, so `a_0003b.png` is cel 3b of column A.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from .errors import SheetError
from .exposure_sheet import Column, ExposureSheet
from .frame_names import MOST_NAMED, Numbering, UnclearFrame
from .translatable_text import TranslatableText
from .xdts import named, read_sheet

_Key = tuple[str, ...]

_MOST_SHOWN = 40
"""The most letters of a name in a sentence."""


def read_pictures(
    sheet: Path, column: str, folder: Path, pictures: Sequence[Path]
) -> tuple[ExposureSheet, dict[str, Path]]:
    """Read the column of a sheet that is about the pictures of a folder.

    column: its name, or "" for the only one, or the one that is called as the folder. Returns the sheet with this
    column alone, and the picture of each cel. Raises SheetError, which names the file.
    """
    read = read_sheet(sheet)
    try:
        chosen = read.column(column, folder.name)
        return replace(read, columns=(chosen,)), pictures_of(chosen, pictures)
    except SheetError as error:
        raise named(sheet, str(error)) from error


def pictures_of(column: Column, paths: Sequence[Path]) -> dict[str, Path]:
    """Return the picture of each cel of a column. Raises SheetError if a cel has none, or several.

    The picture of a cel is called as the cel, or as the column and the cel, maybe after other words; or its frame
    number is the cel (see `Numbering`); or its name ends with the cel. The first of these rules that finds one picture
    counts.
    """
    keys = {path: _key(path.stem) for path in paths}
    numbers = _numbers(paths)
    found: dict[str, Path] = {}
    missing: list[str] = []
    for cel in column.cels:
        rules = _rules(_key(cel), _key(column.name), numbers)
        matches = [[path for path in paths if rule(path, keys[path])] for rule in rules]
        exact = [path for path in paths if path.stem == cel]
        unique = next((match for match in (exact, *matches) if len(match) == 1), None)
        if unique:
            found[cel] = unique[0]
        elif several := next((match for match in matches if match), None):
            raise SheetError(
                TranslatableText(
                    "The cel {cel} of column {column} may be {first} or {second}: rename one of them.",
                    cel=repr(cel[:_MOST_SHOWN]),
                    column=repr(column.name[:_MOST_SHOWN]),
                    first=several[0].name,
                    second=several[1].name,
                )
            )
        else:
            missing.append(cel)
    if missing:
        raise SheetError(
            TranslatableText(
                "The folder has no picture of {count} cels of column {column} ({cels}): name it as the cel, or as the "
                "column and the cel, such as {example}, or choose another column or folder.",
                count=len(missing),
                column=repr(column.name[:_MOST_SHOWN]),
                cels=", ".join(cel[:_MOST_SHOWN] for cel in missing[:MOST_NAMED])
                + (" …" if len(missing) > MOST_NAMED else ""),
                example=repr(f"{column.name[:_MOST_SHOWN]}_{missing[0][:_MOST_SHOWN]}"),
            )
        )
    return found


def cel_of(name: str, column: Column, pictures: Mapping[str, Path]) -> str:
    """Return the cel that another picture shows, such as a painting; "" if its name does not tell.

    name: the picture's name without its suffix, or what stands for it. It may be longer than the name of the cel's
    own picture, as `a_0003_painted` is.
    """
    key = _key(name)
    for cel in pictures:
        if name == cel:
            return cel
    own = _key(column.name)
    rules: tuple[Callable[[_Key, _Key], bool], ...] = (
        lambda cel, _: key in (cel, own + cel),
        lambda _, drawn: key[: len(drawn)] == drawn,
        lambda cel, _: _ends_with(key, cel),
    )
    for rule in rules:
        cels = [cel for cel, path in pictures.items() if rule(_key(cel), _key(path.stem))]
        if len(cels) == 1:
            return cels[0]
    return ""


def _rules(cel: _Key, column: _Key, numbers: Mapping[Path, int]) -> tuple[Callable[[Path, _Key], bool], ...]:
    return (
        lambda _, key: key == cel,
        lambda _, key: key == column + cel,
        lambda _, key: _ends_with(key, column + cel),
        lambda path, _: (str(numbers.get(path)),) == cel,
        lambda _, key: _ends_with(key, cel),
    )


def _numbers(paths: Sequence[Path]) -> dict[Path, int]:
    """The frame numbers of pictures, if their names make these clear."""
    try:
        return dict(zip(paths, Numbering.of([path.stem for path in paths]).frames, strict=True))
    except UnclearFrame:
        return {}


def _key(name: str) -> _Key:
    words = re.findall(r"[0-9]+|[^\W\d_]+", name.casefold())
    return tuple(word.lstrip("0") or "0" for word in words)


def _ends_with(key: _Key, end: _Key) -> bool:
    return bool(end) and key[-len(end) :] == end
