# SPDX-License-Identifier: GPL-3.0-or-later
"""Which takes there are: notes of their folders that outlive Blender."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..errors import ShotError
from .take import RECORD, Take


@dataclass(frozen=True)
class Library:
    """The takes that were made on this computer: a folder with a file a take, named by its job, that holds the path of
    its folder. Several Blenders can write into it at once."""

    home: Path

    def add(self, take: Take) -> None:
        """Note where a take lies."""
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / take.job).write_text(str(take.folder), encoding="utf-8")

    def remove(self, job: str) -> None:
        """Forget where a take lies."""
        (self.home / job).unlink(missing_ok=True)

    def takes(self, place: Path, folders: Iterable[Path]) -> list[Take]:
        """All takes that are noted, those within the folder `place`, and those in `folders`, the oldest first.

        A take whose folder is gone or cannot be read is left out; of one that is in several, that of `folders` counts.
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
