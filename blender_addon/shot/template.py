# SPDX-License-Identifier: GPL-3.0-or-later
"""A frame's line art as an image to paint over, in Blender's Image Editor."""

from __future__ import annotations

import tempfile
from pathlib import Path

import bpy

from .. import png
from .line_art import line_art
from .painted_frame import LINES
from .resolved_shot import resolve


def lineart_image(scene: bpy.types.Scene, frame: int, name: str) -> bpy.types.Image:
    """Render the line art of a frame into a new image, which is saved with the .blend file. Raises ShotError."""
    settings = scene.longanimation
    shot = resolve(scene, settings.options(range(frame, frame + settings.lineart.step)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lineart.png"
        with line_art(shot) as write:
            write(frame, path)
        image = bpy.data.images.load(str(path))
        image.pack()
    image.name = name
    return image


def template(scene: bpy.types.Scene, frame: int, colored: Path | None = None) -> bpy.types.Image:
    """An image to paint a keyframe in: the frame's line art, or the file `colored` if it has the same size.

    Its lines may be painted over; `painted_frame.painting_of` puts them back on top. Raises ShotError.
    """
    lines = lineart_image(scene, frame, f"{scene.name} lines {frame}")
    lines.use_fake_user = True
    image = lines.copy()
    image.use_fake_user = False
    if colored is not None and png.size_of(colored.read_bytes()) == tuple(lines.size):
        bpy.data.images.remove(image)
        image = bpy.data.images.load(str(colored))
        image.pack()
    image.name = f"{scene.name} keyframe {frame}"
    image[LINES] = lines.name
    return image
