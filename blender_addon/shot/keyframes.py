# SPDX-License-Identifier: GPL-3.0-or-later
"""Where painted keyframes come from: a frame of the scene with its fills shown, or an image painted elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from .. import png
from ..errors import ShotError
from ..sentence import Sentence
from . import lineart
from .pixels import scaled, write
from .template import painting_of


@dataclass(frozen=True)
class PaintedFrame:
    """A keyframe of the shot: its frame number and, unless the scene itself is painted there, its image."""

    frame: int
    image: bpy.types.Image | None = None

    def write(self, scene: bpy.types.Scene, path: Path, size: tuple[int, int] | None = None) -> None:
        """Write the painted frame to a PNG, an image of the same proportions scaled to `size` (width and height).

        Raises ShotError when that cannot be done, or OSError.
        """
        if self.image is None:
            with lineart.rendering(scene, painted=True):
                lineart.render_frame(scene, self.frame, path)
            path.write_bytes(png.without_metadata(path.read_bytes()))
        else:
            pixels = self._pixels(self.image)
            if size and pixels.shape[1::-1] != size and _is_alike(self.image.size, size):
                pixels = scaled(pixels, size)
            write(pixels, path)

    def _pixels(self, image: bpy.types.Image) -> np.ndarray:
        if not image.has_data and not image.pixels:
            raise ShotError(
                Sentence(
                    "The image {name} of keyframe {frame} has no pixels: reload it or choose another.",
                    name=repr(image.name),
                    frame=self.frame,
                )
            )
        return painting_of(image)


def _is_alike(size: Sequence[int], other: tuple[int, int]) -> bool:
    """Tell whether two sizes have the same proportions, within a pixel of the other."""
    return abs(size[0] * other[1] / size[1] - other[0]) <= 1


def check(keyframes: tuple[PaintedFrame, ...], frames: range) -> None:
    """Raise ShotError unless there is at least one keyframe and all of them lie in `frames`."""
    if not keyframes:
        raise ShotError(
            Sentence("The shot has no keyframe: go to a painted frame and press Use This Frame as Keyframe.")
        )
    for keyframe in keyframes:
        if keyframe.frame not in frames:
            raise ShotError(
                Sentence(
                    "Keyframe {frame} lies outside the frame range {first}..{last}: "
                    "widen the range or choose a frame inside it.",
                    frame=keyframe.frame,
                    first=frames.start,
                    last=frames.stop - 1,
                )
            )
