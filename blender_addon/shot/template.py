# SPDX-License-Identifier: GPL-3.0-or-later
"""A frame's line art as an image to paint over, in Blender's Image Editor."""

from __future__ import annotations

import tempfile
from pathlib import Path

import bpy
import numpy as np

from .lineart import check, line_art, settings_of
from .pixels import picked

_LINES = "longanimation_lines"
"""The custom property by which a painting names the image of its untouched lines."""


def lineart_image(scene: bpy.types.Scene, frame: int, name: str) -> bpy.types.Image:
    """Render the line art of a frame into a new image, which is saved with the .blend file. Raises ShotError."""
    options = settings_of(scene)
    check(scene, options, range(frame, frame + options.step))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lineart.png"
        with line_art(scene, options) as write:
            write(frame, path)
        image = bpy.data.images.load(str(path))
        image.pack()
    image.name = name
    return image


def template(scene: bpy.types.Scene, frame: int) -> bpy.types.Image:
    """An image to paint a keyframe in. Its lines may be painted over: `painting_of` lays them on top again."""
    lines = lineart_image(scene, frame, f"{scene.name} lines {frame}")
    lines.use_fake_user = True
    image = lines.copy()
    image.use_fake_user = False
    image.name = f"{scene.name} keyframe {frame}"
    image[_LINES] = lines.name
    return image


def painting_of(image: bpy.types.Image) -> np.ndarray:
    """An image's pixels, as in `picked`, with its untouched lines on top if it was made by `template`."""
    pixels = picked(image)
    lines = bpy.data.images.get(image.get(_LINES, ""))
    if lines is not None and tuple(lines.size) == tuple(image.size):
        pixels[..., :3] *= picked(lines)[..., :3]
    return pixels
