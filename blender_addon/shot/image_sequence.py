# SPDX-License-Identifier: GPL-3.0-or-later
"""Line art from a sequence of image files, in any format that Blender reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import bpy
import numpy as np

from ..errors import ShotError
from ..translatable_text import TranslatableText
from .pixels import picked, write

_NUMBERED = re.compile(r"(.*?)(-?\d+)(\D*)", re.DOTALL)
"""The text before a file's number, the number, and the text after it; the last number in a name is used."""


@dataclass(frozen=True)
class ImageSequence:
    """Files whose names differ only in a frame number.

    files: path of each frame's image, by the number in its name.
    """

    files: dict[int, Path]
    _size: list[tuple[int, int]] = field(default_factory=list)

    @classmethod
    def find(cls, path: str) -> ImageSequence:
        """The sequence that a file belongs to, or the only one in a folder. Raises ShotError."""
        given = Path(bpy.path.abspath(path))
        if not path:
            raise ShotError(TranslatableText("No image sequence is chosen: choose its folder, or one of its images."))
        try:
            beside = sorted(given.iterdir() if given.is_dir() else given.parent.iterdir())
        except OSError as error:
            raise ShotError(
                TranslatableText(
                    "{path} cannot be read ({reason}): choose another image sequence.",
                    path=given,
                    reason=error.strerror,
                )
            ) from error
        sequences: dict[tuple[str, str], dict[int, Path]] = {}
        for file in beside:
            parts = _NUMBERED.fullmatch(file.stem)
            if parts and file.suffix.lower() in bpy.path.extensions_image:
                sequences.setdefault((parts[1], parts[3] + file.suffix), {})[int(parts[2])] = file
        if not given.is_dir():
            sequences = {key: files for key, files in sequences.items() if given in files.values()}
        if not sequences:
            raise ShotError(
                TranslatableText(
                    "{path} is neither an image with a number in its name nor a folder of such images: choose another "
                    "one.",
                    path=given,
                )
            )
        if len(sequences) > 1:
            names = ", ".join(next(iter(files.values())).name for files in sequences.values())
            raise ShotError(
                TranslatableText(
                    "{path} contains several image sequences ({names}): choose the first image of one.",
                    path=given,
                    names=names,
                )
            )
        return cls(next(iter(sequences.values())))

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
            with _loaded(self.files[min(self.files)]) as image:
                self._size.append(tuple(image.size))
        width, height = self._size[0]
        scale = (percentage or 100) / 100
        return max(1, round(width * scale)), max(1, round(height * scale))

    def write(self, frame: int, path: Path, percentage: int = 0, keep_colors: bool = False) -> None:
        """Write a frame's image to a PNG: on white, and in gray unless `keep_colors`. Raises ShotError."""
        source = self.files[frame]
        wanted = self.size()
        with _loaded(source) as image:
            if tuple(image.size) != wanted:
                raise ShotError(
                    TranslatableText(
                        "{file} is {size} pixels, but the sequence began with {wanted}: give all of its images the "
                        "same size.",
                        file=source.name,
                        size=f"{image.size[0]}×{image.size[1]}",
                        wanted=f"{wanted[0]}×{wanted[1]}",
                    )
                )
            if self.size(percentage) != wanted:
                image.scale(*self.size(percentage))
            picture = _over_white(image)
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
