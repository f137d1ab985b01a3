# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of a folder whose timing is in an exposure sheet: names are cels, and the sheet says when they show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from shared.cell_names import cel_of, read_pictures
from shared.errors import SheetError
from shared.exposure_sheet import Column, ExposureSheet
from shared.frame_names import MOST_NAMED, name_frames

from .numbered_files import FolderError, find_images


@dataclass(frozen=True)
class SheetFiles:
    """The images that a column of a sheet shows.

    files: by frame, from 1; frames without a cel are left out. sheet: the sheet with this column alone. pictures: the
    image of each cel. notes: sentences about what is not colored.
    """

    files: dict[int, Path]
    sheet: ExposureSheet
    pictures: dict[str, Path]
    notes: tuple[str, ...]

    @classmethod
    def find(cls, folder: Path, path: Path, column: str = "") -> SheetFiles:
        """Find the images of a folder by the sheet in a file.

        column: its name, or "" for the only one, or the one that is called as the folder. Raises FolderError, with
        what to do, if the sheet cannot be used or a cel has no picture.
        """
        images, notes = find_images(folder)
        try:
            sheet, pictures = read_pictures(path, column, folder.resolve(), images)
        except SheetError as error:
            raise FolderError(str(error)) from error
        (chosen,) = sheet.columns
        files = {frame: pictures[cel] for frame, cel in enumerate(chosen.cells, start=1) if cel}
        empty = [frame for frame, cel in enumerate(chosen.cells, start=1) if not cel]
        if empty:
            frames = f"frame{'s' if len(empty) > 1 else ''} {name_frames(empty)}"
            notes = (*notes, f"The column {chosen.name!r} has no cel in {frames}.")
        unused = [image.name for image in images if image not in pictures.values()]
        if unused:
            rest = f" and {len(unused) - MOST_NAMED} more" if len(unused) > MOST_NAMED else ""
            are = "are" if len(unused) > 1 else "is"
            listed = f"{', '.join(unused[:MOST_NAMED])}{rest}"
            notes = (*notes, f"{listed} {are} not in the exposure sheet, and not colored.")
        return cls(files, sheet, pictures, notes)

    @property
    def column(self) -> Column:
        """The column of these images."""
        return self.sheet.columns[0]

    def paintings(self, keyframes: Iterable[str]) -> dict[int, Path]:
        """Return keyframes by the first frame that shows their cel. Raises FolderError.

        keyframes: each `FILE`, whose name tells the cel, or `FILE@CEL`.
        """
        paintings: dict[int, Path] = {}
        for text in keyframes:
            path, cel = self._keyframe(text)
            if not path.is_file():
                raise FolderError(f"The keyframe {path} does not exist: give the path of a painted image.")
            frame = self.column.cells.index(cel) + 1
            if frame in paintings:
                raise FolderError(f"{paintings[frame]} and {path} both paint cel {cel}: give one of them.")
            paintings[frame] = path
        if not paintings:
            raise FolderError("There is no keyframe: paint one of the cels and give it with --keyframe FILE@CEL.")
        return paintings

    def _keyframe(self, text: str) -> tuple[Path, str]:
        name, at, wanted = text.rpartition("@")
        if not at or Path(text).exists():
            name, wanted = text, Path(text).stem
        cel = cel_of(wanted, self.column, self.pictures)
        if not cel:
            cels = self.column.cels
            rest = " …" if len(cels) > MOST_NAMED else ""
            raise FolderError(
                f"Which cel of column {self.column.name!r} does {name} paint? It has the cels "
                f"{', '.join(cels[:MOST_NAMED])}{rest}: say it with @, for example {name}@{cels[0]}."
            )
        return Path(name), cel
