# SPDX-License-Identifier: GPL-3.0-or-later
"""Palettes of Blender's painting tools, with names.

Blender's colors have no names. A property of the palette keeps them, each with the color that it had.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import bpy

from .. import compat
from ..shared.errors import PaletteError
from ..shared.palette import Palette, named
from ..shared.protocol import ProtocolError
from ..shared.translatable_text import TranslatableText

_NAME = "LongAnimation"
_NAMES = "longanimation_names"

Color = tuple[int, int, int]


def offer(scene: bpy.types.Scene, colors: Iterable[Color]) -> None:
    """Show these colors, sRGB 0 to 255, as the palette of texture painting; an earlier one is replaced."""
    scene.tool_settings.image_paint.palette = _fill(_NAME, colors)


def to_blender(palette: Palette, name: str) -> bpy.types.Palette:
    """Make a palette of Blender's under this name, or replace the colors of the one that is there."""
    made = _fill(name, (swatch.rgb for swatch in palette.swatches))
    made[_NAMES] = json.dumps([[swatch.name, list(swatch.rgb)] for swatch in palette.swatches])
    return made


def from_blender(palette: bpy.types.Palette) -> Palette:
    """Read a palette of Blender's. A color keeps its name when it is moved, and also when it alone was changed.

    Raises PaletteError if it has no colors, or too many.
    """
    colors = [compat.painted_color(color.color) for color in palette.colors]
    known = [(name, tuple(color)) for name, color in json.loads(palette.get(_NAMES, "[]"))]
    names = [""] * len(colors)
    for place, color in enumerate(colors):
        found = next((one for one in known if one[1] == color), None)
        if found:
            names[place] = found[0]
            known.remove(found)
    unnamed = [place for place, name in enumerate(names) if not name]
    if len(unnamed) == len(known):
        for place, (name, _) in zip(unnamed, known, strict=True):
            names[place] = name
    try:
        return named(zip(names, colors, strict=True))
    except ProtocolError as error:
        problem = TranslatableText("{path}: {problem}", path=palette.name, problem=error.sentence)
        raise PaletteError(problem) from error


def _fill(name: str, colors: Iterable[Color]) -> bpy.types.Palette:
    palette = bpy.data.palettes.get(name) or bpy.data.palettes.new(name)
    palette.colors.clear()
    for color in colors:
        palette.colors.new().color = compat.paint_color(color)
    return palette
