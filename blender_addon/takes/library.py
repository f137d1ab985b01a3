# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of known takes: records of their folders, which are kept when Blender closes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..shared.errors import ShotError
from .take import RECORD, Take


@dataclass(frozen=True)
class Library:
    """The takes that were made on this computer.

    The library is a folder with one file per take. The file is named after the take's job and contains the path of the
    take's folder. Several Blender processes can write to the library at once.
    """

    home: Path

    def add(self, take: Take) -> None:
        """Record where a take is."""
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / take.job).write_text(str(take.folder), encoding="utf-8")

    def remove(self, job: str) -> None:
        """Remove the record of a take."""
        (self.home / job).unlink(missing_ok=True)

    def takes(self, place: Path, folders: Iterable[Path]) -> list[Take]:
        """All recorded takes, those within the folder `place`, and those in `folders`, oldest first.

        Takes with missing or unreadable folders are left out. If a take is in several folders, the one in `folders` is
        used.
        """
        folders = [*folders, *(Path(note.read_text(encoding="utf-8")) for note in self.home.glob("*"))]
        folders += [record.parent for record in place.glob(f"*/{RECORD}")]
        found: dict[str, Take] = {}
        for folder in folders:
            try:
                take = Take.load(folder)
            except ShotError:
                continue
            found.setdefault(take.job, take)
        return sorted(found.values(), key=lambda take: take.created)
