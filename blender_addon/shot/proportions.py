# SPDX-License-Identifier: GPL-3.0-or-later
"""The proportions of a take's pictures, beside those of its scene."""

from __future__ import annotations

import bpy

from ..shared.errors import ShotError
from ..shared.translatable_text import TranslatableText


def require_proportions(scene: bpy.types.Scene, size: tuple[int, int]) -> None:
    """Raise ShotError, with what to do, if pictures of `size`, width and height, have other proportions than a
    scene."""
    render = scene.render
    if abs(size[0] * render.resolution_y / render.resolution_x - size[1]) > 2:
        raise ShotError(
            TranslatableText(
                "The take has {width} × {height} pixels, which are other proportions than the scene's: set the scene's "
                "resolution to these proportions.",
                width=size[0],
                height=size[1],
            )
        )
