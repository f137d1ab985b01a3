# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbered images of a folder, and what else a person may have meant to be among them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from server.images.codec import read_size
from server.images.formats import ACCEPTED, FORMATS, SUFFIXES
from shared.frame_names import MOST_NAMED, Numbering, UnclearFrame, describe_gaps

Size = tuple[int, int]
"""Width and height in pixels."""

_UNREAD = {
    *(".avif", ".cin", ".dpx", ".gif", ".hdr", ".heic", ".jp2", ".jxl", ".kra", ".ora", ".pdf", ".psb", ".psd"),
    *(".clip", ".sgi", ".svg"),
}
"""Suffixes of pictures that are not read."""


class FolderError(ValueError):
    """A folder, a name or an option cannot be used; the sentence says what to do."""


@dataclass(frozen=True)
class NumberedFiles:
    """The images of a folder: those of the one format that most of them have.

    files: by frame number, in order. numbering: how their names are numbered. notes: sentences about missing numbers
    and about pictures that are left out.
    """

    files: dict[int, Path]
    numbering: Numbering
    notes: tuple[str, ...]

    @classmethod
    def find(cls, folder: Path, number: int | None = None) -> NumberedFiles:
        """Find the images of a folder. Raises FolderError if there are none, or a name is unclear or a frame repeated.

        number: which number in the names is the frame: 1 is the first, -1 the last; by default the one that varies.
        """
        paths, left_out = find_images(folder)
        try:
            numbering = Numbering.of([path.stem for path in paths], number)
        except UnclearFrame as error:
            raise FolderError(_unclear(f"{error.stem}{paths[0].suffix}", error, number)) from error
        files: dict[int, Path] = {}
        for frame, path in zip(numbering.frames, paths, strict=True):
            if frame in files:
                raise FolderError(f"{files[frame].name} and {path.name} are both frame {frame}: remove or rename one.")
            files[frame] = path
        notes = (*filter(None, [describe_gaps(files)]), *left_out)
        return cls(dict(sorted(files.items())), numbering, notes)

    def keyframe(self, text: str) -> tuple[Path, int]:
        """Read `FILE` or `FILE@FRAME`. Without @FRAME, the number is taken from the file's name. Raises FolderError."""
        name, at, digits = text.rpartition("@")
        if at and re.fullmatch("-?[0-9]+", digits) and not Path(text).exists():
            return Path(name), int(digits)
        try:
            return Path(text), self.numbering.frame_of(Path(text).stem)
        except UnclearFrame as error:
            choices = f" {_listed(error)}?" if len(error.numbers) > 1 else ""
            example = error.numbers[0] if error.numbers else 12
            raise FolderError(
                f"Which frame does {text} paint?{choices} Say it with @, for example {text}@{example}."
            ) from error

    def paintings(self, keyframes: Iterable[str]) -> dict[int, Path]:
        """Return the keyframes, given as `keyframe` reads them, by frame number. Raises FolderError."""
        files, paintings = self.files, dict[int, Path]()
        for text in keyframes:
            path, number = self.keyframe(text)
            if not path.is_file():
                raise FolderError(f"The keyframe {path} does not exist: give the path of a painted image.")
            if number not in files:
                raise FolderError(
                    f"The keyframe {path.name} paints frame {number}, but the line art has frames {min(files)} to "
                    f"{max(files)} ({len(files)} files): give the frame it paints as {path.name}@FRAME."
                )
            if number in paintings:
                raise FolderError(f"{paintings[number]} and {path} both paint frame {number}: give one of them.")
            paintings[number] = path
        if not paintings:
            raise FolderError("There is no keyframe: paint one of the frames and give it with --keyframe FILE@FRAME.")
        return paintings


def find_images(folder: Path) -> tuple[list[Path], tuple[str, ...]]:
    """Return the images of a folder in the format that most of them have, by name, and a note about the pictures that
    are left out, if any. Raises FolderError if there are none."""
    if not folder.is_dir():
        raise FolderError(f"{folder} is not a folder: give the folder that holds the line art.")
    visible = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    groups = {name: [path for path in visible if SUFFIXES.get(path.suffix.lower()) == name] for name in FORMATS}
    kind = max(groups, key=lambda name: len(groups[name]))  # of equal ones the first, which is PNG
    left = {*SUFFIXES, *_UNREAD} - set(FORMATS[kind])
    others = [path.name for path in visible if path.suffix.lower() in left]
    if not groups[kind]:
        found = f"only {others[0]} and the like" if others else "nothing of the kind"
        raise FolderError(
            f"{folder} holds no images that can be read, {found}: export the line art there, one numbered image a "
            f"frame, as {ACCEPTED}."
        )
    return groups[kind], tuple(_left_out(kind, others))


def common_size(paths: Sequence[Path]) -> Size:
    """Return the size of some images, which all have. Raises FolderError."""
    sizes = {path: read_size(path) for path in paths}
    first, size = next(iter(sizes.items()))
    for path, other in sizes.items():
        if other != size:
            raise FolderError(
                f"{first.name} is {size[0]}×{size[1]} but {path.name} is {other[0]}×{other[1]}: "
                "line art and keyframes must have one size."
            )
    return size


def frame_files(folder: Path) -> dict[int, Path]:
    """Return a folder's images by frame number, in order. Raises FolderError."""
    return NumberedFiles.find(folder).files


def _unclear(name: str, error: UnclearFrame, number: int | None) -> str:
    if number is not None:
        return f"{name} has no number {number} in its name: give another --number."
    if not error.numbers:
        example = f"{error.stem}_0001{name.removeprefix(error.stem)}"
        return f"{name} has no frame number in its name: call it for example {example}."
    return (
        f"Which number in {name} is the frame, {_listed(error)}? Say it with --number: 1 is the first number in the "
        "names, -1 is the last."
    )


def _listed(error: UnclearFrame) -> str:
    return " or ".join(str(number) for number in error.numbers)


def _left_out(kind: str, others: list[str]) -> Iterator[str]:
    if others:
        rest = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
        are = "are" if len(others) > 1 else "is"
        yield (
            f"{', '.join(others[:MOST_NAMED])}{rest} {are} left out: a folder is read in one format, which is {kind} "
            f"here. Export all as {kind}."
        )
