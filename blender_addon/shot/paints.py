# SPDX-License-Identifier: GPL-3.0-or-later
"""The colors that a keyframe is painted with, as a palette of Blender's painting tools."""

from __future__ import annotations

from collections.abc import Iterable

import bpy

from .. import compat

_NAME = "LongAnimation"


def offer(scene: bpy.types.Scene, colors: Iterable[tuple[int, int, int]]) -> None:
    """Show these colors, sRGB 0 to 255, as the palette of texture painting; an earlier one is replaced."""
    palette = bpy.data.palettes.get(_NAME) or bpy.data.palettes.new(_NAME)
    palette.colors.clear()
    for color in colors:
        palette.colors.new().color = compat.paint_color(color)
    scene.tool_settings.image_paint.palette = palette
