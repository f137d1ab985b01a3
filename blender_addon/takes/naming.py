# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the colors of a take together with a palette: colors that are alike are named, and names that are known get
the palette's colors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..shared.palette import Palette, Swatch, apart

Color = tuple[int, int, int]


@dataclass(frozen=True)
class Match:
    """What a palette says about the colors of a take, by their places.

    names: the names of colors that had none. changes: the new colors of names that it has. left: its names that the
    take does not have.
    """

    names: Mapping[int, str]
    changes: Mapping[int, Color]
    left: tuple[str, ...]


def match(paints: Sequence[tuple[str, Color]], palette: Palette) -> Match:
    """Compare the names and colors of a take with a palette. A name is empty if a color has none.

    Of several entries of one color, the first is that of the color itself, and the others are those of the colors that
    tell them apart in images.
    """
    known = palette.by_name
    changes = {place: known[name].rgb for place, (name, _) in enumerate(paints) if name in known}
    free = {name: swatch for name, swatch in known.items() if name not in {name for name, _ in paints}}
    by_color = {swatch.rgb: swatch.name for swatch in reversed(apart(palette.swatches))} | {
        swatch.rgb: swatch.name for swatch in reversed(free.values())
    }
    names: dict[int, str] = {}
    for place, (name, color) in enumerate(paints):
        if not name and by_color.get(color, "") in free:
            names[place] = by_color[color]
            del free[by_color[color]]
    return Match(names, changes, tuple(free))


def told_apart(colors: Mapping[Color, Color]) -> dict[Color, Color]:
    """Let no two colors of a take become one, so that each can still be changed on its own.

    colors: every color of the take, and its new one, which is the same if it stays. Returns the colors that change.
    """
    stays = [old for old, new in colors.items() if old == new]
    changed = [old for old, new in colors.items() if old != new]
    asked = [Swatch.of(str(place), colors[old]) for place, old in enumerate((*stays, *changed))]
    told = zip((*stays, *changed), apart(asked), strict=True)
    return {old: swatch.rgb for old, swatch in told if old != swatch.rgb}
