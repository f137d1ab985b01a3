# SPDX-License-Identifier: GPL-3.0-or-later
"""A clip whose true colors are known: `lineart/NNNN.png` and the same names under another folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from server.coloring.line_art.drawing import read_drawing
from server.coloring.numbered_files import FolderError, frame_files
from server.images.codec import read_painted, read_rgba
from shared.digests import address_of
from shared.timing import Exposure, expose


@dataclass(frozen=True)
class Clip:
    """Distinct drawings in story order with their true pictures.

    numbers: the frame numbers, in order; exposure: which drawing each of them shows, counted from 0; drawings:
    line art uint8 [H, W] each; truth: RGB uint8 [H, W, 3] each.
    """

    numbers: tuple[int, ...]
    exposure: Exposure
    drawings: tuple[np.ndarray, ...]
    truth: tuple[np.ndarray, ...]

    @property
    def holds(self) -> list[int]:
        """The number of frames for which each drawing is shown."""
        return [self.exposure.drawing_of.count(index) for index in range(len(self.drawings))]

    def drawing_at(self, number: int) -> int:
        """The drawing that frame `number` shows. Raises FolderError outside the clip."""
        if number not in self.numbers:
            raise FolderError(f"Frame {number} is not among the clip's frames {self.numbers[0]} to {self.numbers[-1]}.")
        return self.exposure.drawing_of[self.numbers.index(number)]

    def first_place_of(self, drawing: int) -> int:
        """The index of the first frame that shows a drawing."""
        return self.exposure.first_frame_of(drawing)


def read_clip(line_art: Path, truth: Path) -> Clip:
    """Read a clip from a folder of line art and one of true pictures. Raises FolderError or ImageError."""
    files, true_files = frame_files(line_art), frame_files(truth)
    if missing := sorted(files.keys() ^ true_files.keys()):
        raise FolderError(
            f"{line_art} and {truth} must have the same frames; frame {missing[0]} is in one of them only."
        )
    arts = [read_drawing(read_rgba(path)).line_art for path in files.values()]
    exposure = expose(0, [address_of(art.tobytes()) for art in arts])
    drawings = tuple(arts[exposure.first_frame_of(index)] for index in range(exposure.drawing_count))
    return Clip(tuple(files), exposure, drawings, read_pictures(true_files, exposure, drawings[0].shape))


def read_pictures(files: Mapping[int, Path], exposure: Exposure, shape: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """Read one picture a drawing, RGB uint8 [H, W, 3], from the first frame that shows it."""
    paths = list(files.values())
    pictures = []
    for index in range(exposure.drawing_count):
        path = paths[exposure.first_frame_of(index)]
        picture = read_painted(path)
        if picture.shape[:2] != shape:
            raise FolderError(
                f"{path} is {picture.shape[1]}×{picture.shape[0]}, but the line art is {shape[1]}×{shape[0]}: "
                "export both at one size."
            )
        pictures.append(picture)
    return tuple(pictures)
