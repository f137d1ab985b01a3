# SPDX-License-Identifier: GPL-3.0-or-later
"""A painted keyframe, and the image that it was painted in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from ..shared.errors import ShotError
from ..shared.translatable_text import TranslatableText
from .pixels import picked, scaled, write

JOB, FRAME = "longanimation_job", "longanimation_frame"
"""Custom properties of the image of a frame that is being fixed: its take and its frame."""

LINES = "longanimation_lines"
"""The custom property of a painting with the name of the image of its untouched lines."""


@dataclass(frozen=True)
class PaintedFrame:
    """A keyframe of the shot: its frame number and, unless the scene itself is painted there, its image."""

    frame: int
    image: bpy.types.Image | None = None

    def write_image(self, path: Path, size: tuple[int, int] | None = None) -> None:
        """Write the image to a PNG, scaled to `size` (width and height) if it has the same proportions.

        Raises ShotError if there is no image or it has no pixels, or OSError.
        """
        pixels = self._pixels()
        if size and pixels.shape[1::-1] != size and _is_alike(pixels.shape[1::-1], size):
            pixels = scaled(pixels, size)
        write(pixels, path)

    def _pixels(self) -> np.ndarray:
        if self.image is None or (not self.image.has_data and not self.image.pixels):
            raise ShotError(
                TranslatableText(
                    "The image {name} of keyframe {frame} has no pixels: reload it or choose another.",
                    name=repr(self.image.name if self.image else ""),
                    frame=self.frame,
                )
            )
        return painting_of(self.image)


def painting_of(image: bpy.types.Image) -> np.ndarray:
    """An image's pixels, as in `picked`, with its untouched lines on top if it was made by `template.template`."""
    pixels = picked(image)
    lines = bpy.data.images.get(image.get(LINES, ""))
    if lines is not None and tuple(lines.size) == tuple(image.size):
        pixels[..., :3] *= picked(lines)[..., :3]
    return pixels


def _is_alike(size: Sequence[int], other: tuple[int, int]) -> bool:
    """Tell whether two sizes have the same proportions, to within one pixel of `other`."""
    return abs(size[0] * other[1] / size[1] - other[0]) <= 1
