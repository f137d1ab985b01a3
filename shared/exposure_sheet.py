# SPDX-License-Identifier: GPL-3.0-or-later
"""An exposure sheet: which cel each frame of a shot shows, one column a layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .errors import SheetError
from .translatable_text import TranslatableText

MOST_FRAMES = 100_000
"""The most frames of a sheet."""


@dataclass(frozen=True)
class Column:
    """A column of a sheet, which is a layer of drawings.

    cells: for each frame, the name of its cel, or "" for none. marks: the signs of inbetweens, by the frame from 0.
    They stand where a cel is held, and change nothing.
    """

    name: str
    cells: tuple[str, ...]
    marks: Mapping[int, str] = field(default_factory=dict)

    @property
    def cels(self) -> tuple[str, ...]:
        """The cels that are shown, in the order in which they first are."""
        return tuple(dict.fromkeys(cell for cell in self.cells if cell))


@dataclass(frozen=True)
class ExposureSheet:
    """An exposure sheet.

    columns: those with cels; all have the same number of frames. name: of its table. scene, cut: the numbers of the
    shot, as texts, or "".
    """

    columns: tuple[Column, ...]
    name: str = ""
    scene: str = ""
    cut: str = ""

    def column(self, wanted: str, likely: str = "") -> Column:
        """Return the column of a name. Upper and lower case are the same. Raises SheetError.

        wanted: "" for the only column, or for the one that is called `likely`, such as the folder of its pictures.
        """
        named = [one for one in self.columns if _folded(one.name) == _folded(wanted or likely)]
        if len(named) == 1:
            return named[0]
        if not wanted and len(self.columns) == 1:
            return self.columns[0]
        names = ", ".join(repr(one.name) for one in self.columns)
        if len(named) > 1:
            raise SheetError(
                TranslatableText(
                    "It has {count} columns named {name}: give them different names.",
                    count=len(named),
                    name=repr(named[0].name),
                )
            )
        if wanted:
            raise SheetError(
                TranslatableText(
                    "It has no column {name}: choose one of its columns, which are {names}.",
                    name=repr(wanted),
                    names=names,
                )
            )
        raise SheetError(
            TranslatableText(
                "It has several columns, {names}: give the name of the one with these pictures (Column, --column).",
                names=names,
            )
        )


def _folded(name: str) -> str:
    return name.strip().casefold()
