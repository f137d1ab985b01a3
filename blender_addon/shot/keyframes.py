# SPDX-License-Identifier: GPL-3.0-or-later
"""Where painted keyframes come from: a frame of the scene with its fills shown, or an image painted elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy

from .. import png
from ..errors import ShotError
from . import lineart
from .template import with_lines


@dataclass(frozen=True)
class PaintedFrame:
    """A keyframe of the shot: its frame number and, unless the scene itself is painted there, its image."""

    frame: int
    image: bpy.types.Image | None = None

    def write(self, scene: bpy.types.Scene, path: Path, size: tuple[int, int] | None = None) -> None:
        """Write the painted frame to a PNG, an image of the same proportions scaled to `size` (width and height).

        Raises ShotError when that cannot be done.
        """
        if self.image is None:
            with lineart.rendering(scene, painted=True):
                lineart.render_frame(scene, self.frame, path)
        else:
            self._save_image(self.image, path, size)
        path.write_bytes(png.without_metadata(path.read_bytes()))

    def _save_image(self, image: bpy.types.Image, path: Path, size: tuple[int, int] | None) -> None:
        if not image.has_data and not image.pixels:
            raise ShotError(
                f"The image {image.name!r} of keyframe {self.frame} has no pixels: reload it or choose another."
            )
        copy = with_lines(image)
        try:
            if size and tuple(copy.size) != size and _is_alike(copy.size, size):
                copy.scale(*size)
            copy.file_format = "PNG"
            copy.save(filepath=str(path))
        except RuntimeError as error:
            raise ShotError(f"The image {image.name!r} could not be saved: {str(error).strip()}") from error
        finally:
            bpy.data.images.remove(copy)


def _is_alike(size: Sequence[int], other: tuple[int, int]) -> bool:
    """Tell whether two sizes have the same proportions, within a pixel of the other."""
    return abs(size[0] * other[1] / size[1] - other[0]) <= 1


def check(keyframes: tuple[PaintedFrame, ...], frames: range) -> None:
    """Raise ShotError unless there is at least one keyframe and all of them lie in `frames`."""
    if not keyframes:
        raise ShotError("The shot has no keyframe: go to a painted frame and press Use This Frame as Keyframe.")
    for keyframe in keyframes:
        if keyframe.frame not in frames:
            raise ShotError(
                f"Keyframe {keyframe.frame} lies outside the frame range {frames.start}..{frames.stop - 1}: "
                "widen the range or choose a frame inside it."
            )
