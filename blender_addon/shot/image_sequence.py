# SPDX-License-Identifier: GPL-3.0-or-later
"""Line art from a sequence of image files, in any format that Blender reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import bpy
import numpy as np

from ..shared.cell_names import read_pictures
from ..shared.errors import SheetError, ShotError
from ..shared.frame_names import Numbering, UnclearFrame, by_form
from ..shared.translatable_text import TranslatableText
from .pixels import picked, write


@dataclass(frozen=True)
class ImageSequence:
    """Image files that are the frames of a shot.

    files: path of each frame's image, by the number in its name or by an exposure sheet; None for blank paper.
    """

    files: dict[int, Path | None]
    _size: list[tuple[int, int]] = field(default_factory=list)

    @classmethod
    def find(cls, path: str) -> ImageSequence:
        """The sequence that a file belongs to, or the only one in a folder: files of one kind whose names differ in a
        frame number. Raises ShotError."""
        given, beside = _beside(path)
        sequences = [files for files in _by_form(beside) if given.is_dir() or given in files]
        if not sequences:
            raise ShotError(
                TranslatableText(
                    "{path} is neither an image with a number in its name nor a folder of such images: choose another "
                    "one.",
                    path=given,
                )
            )
        if len(sequences) > 1:
            raise _several(given, [files[0] for files in sequences])
        return cls(dict(_by_frame(sequences[0], given)))

    @classmethod
    def of_sheet(cls, path: str, sheet: str, column: str, start: int) -> ImageSequence:
        """The images of a folder, or beside a file, as an exposure sheet shows them from the frame `start` on.

        column: its name, or "" for the only one, or the one that is called as the folder. Raises ShotError.
        """
        given, beside = _beside(path)
        folder = given if given.is_dir() else given.parent
        images = [file for file in beside if file.suffix.lower() in bpy.path.extensions_image]
        try:
            read, pictures = read_pictures(Path(bpy.path.abspath(sheet)), column, folder, images)
        except SheetError as error:
            raise ShotError(str(error)) from error
        return cls({frame: pictures.get(cell) for frame, cell in enumerate(read.columns[0].cells, start=start)})

    def require(self, frames: Iterable[int]) -> None:
        """Raise ShotError with their numbers if frames have no image."""
        missing = [frame for frame in frames if frame not in self.files]
        if missing:
            raise ShotError(
                TranslatableText(
                    "The image sequence has no image for {frames}: add them, "
                    "or choose a frame range within {first}..{last}, or a step.",
                    frames=_listed(missing),
                    first=min(self.files),
                    last=max(self.files),
                )
            )

    def size(self, percentage: int = 0) -> tuple[int, int]:
        """Width and height in pixels: a percentage of the first image's, 0 for its own size. Raises ShotError."""
        if not self._size:
            _, first = min((frame, path) for frame, path in self.files.items() if path)
            with _loaded(first) as image:
                self._size.append(tuple(image.size))
        width, height = self._size[0]
        scale = (percentage or 100) / 100
        return max(1, round(width * scale)), max(1, round(height * scale))

    def write(self, frame: int, path: Path, percentage: int = 0, keep_colors: bool = False) -> None:
        """Write a frame's image to a PNG: on white, and in gray unless `keep_colors`. Raises ShotError."""
        source = self.files[frame]
        picture = self._read(source, percentage) if source else self._blank(percentage)
        if not keep_colors:
            picture[:] = picture.min(axis=2, keepdims=True)
        try:
            write(picture, path)
        except OSError as error:
            raise ShotError(
                TranslatableText(
                    "{path} could not be written ({reason}): is the disk full?", path=path, reason=error.strerror
                )
            ) from error

    def _read(self, path: Path, percentage: int) -> np.ndarray:
        wanted = self.size()
        with _loaded(path) as image:
            if tuple(image.size) != wanted:
                raise ShotError(
                    TranslatableText(
                        "{file} is {size} pixels, but the sequence began with {wanted}: give all of its images the "
                        "same size.",
                        file=path.name,
                        size=f"{image.size[0]}×{image.size[1]}",
                        wanted=f"{wanted[0]}×{wanted[1]}",
                    )
                )
            if self.size(percentage) != wanted:
                image.scale(*self.size(percentage))
            return _over_white(image)

    def _blank(self, percentage: int) -> np.ndarray:
        width, height = self.size(percentage)
        return np.ones((height, width, 3), np.float32)


def _beside(path: str) -> tuple[Path, list[Path]]:
    """The folder or file at a path, and the files in it or beside it. Raises ShotError."""
    given = Path(bpy.path.abspath(path))
    if not path:
        raise ShotError(TranslatableText("No image sequence is chosen: choose its folder, or one of its images."))
    try:
        return given, sorted(given.iterdir() if given.is_dir() else given.parent.iterdir())
    except OSError as error:
        raise ShotError(
            TranslatableText(
                "{path} cannot be read ({reason}): choose another image sequence.", path=given, reason=error.strerror
            )
        ) from error


def _by_form(files: Iterable[Path]) -> Iterator[list[Path]]:
    """Yield the images of each form of name, such as all of walk_NNNN_vN.png."""
    kinds: dict[str, dict[str, Path]] = {}
    for file in files:
        if file.suffix.lower() in bpy.path.extensions_image:
            kinds.setdefault(file.suffix, {})[file.stem] = file
    for kind in kinds.values():
        yield from ([kind[stem] for stem in stems] for stems in by_form(kind).values())


def _by_frame(files: list[Path], given: Path) -> dict[int, Path]:
    """Images of one form by their frames: all, or, where several have one frame, those with the other numbers of
    `given`. Raises ShotError."""
    try:
        numbering = Numbering.of([file.stem for file in files])
    except UnclearFrame as error:
        raise ShotError(
            TranslatableText(
                "Which number in {file} is the frame, {numbers}? Move the image sequence to a folder of its own, in "
                "which only the frame's number varies.",
                file=files[0].name,
                numbers=", ".join(map(str, error.numbers)),
            )
        ) from error
    if len(set(numbering.frames)) < len(files):
        rests = {file: numbering.rest_of(file.stem) for file in files}
        if given not in rests:
            first = {rest: file for file, rest in reversed(rests.items())}
            raise _several(given, [*first.values()])
        files = [file for file in files if rests[file] == rests[given]]
    return {numbering.frame_of(file.stem): file for file in files}


def _several(given: Path, files: list[Path]) -> ShotError:
    return ShotError(
        TranslatableText(
            "{path} contains several image sequences ({names}): choose the first image of one.",
            path=given,
            names=", ".join(sorted(file.name for file in files)),
        )
    )


@contextmanager
def _loaded(path: Path) -> Iterator[bpy.types.Image]:
    try:
        image = bpy.data.images.load(str(path))
    except RuntimeError as error:
        raise ShotError(
            TranslatableText("{path} cannot be read ({reason}): export it again.", path=path, reason=str(error).strip())
        ) from error
    try:
        if not image.size[0]:
            raise ShotError(
                TranslatableText(
                    "{path} is damaged, or is not an image that Blender can read: export it again.", path=path
                )
            )
        yield image
    finally:
        bpy.data.images.remove(image)


def _over_white(image: bpy.types.Image) -> np.ndarray:
    """The image's picked colors on white as float32 RGB [H, W, 3], 0..1, bottom row first."""
    pixels = picked(image)
    return pixels[..., :3] * pixels[..., 3:] + (1 - pixels[..., 3:])


def _listed(frames: list[int]) -> TranslatableText:
    """Name frames in a sentence, consecutive frames as one group; at most ten groups are named."""
    groups: list[list[int]] = []
    for frame in frames:
        if groups and groups[-1][-1] == frame - 1:
            groups[-1].append(frame)
        else:
            groups.append([frame])
    named = [f"{group[0]}..{group[-1]}" if len(group) > 1 else str(group[0]) for group in groups]
    numbers = ", ".join(named[:10])
    if len(frames) == 1:
        return TranslatableText("frame {numbers}", numbers=numbers)
    if len(groups) <= 10:
        return TranslatableText("frames {numbers}", numbers=numbers)
    return TranslatableText("frames {numbers} and {count} more groups", numbers=numbers, count=len(groups) - 10)
