# SPDX-License-Identifier: GPL-3.0-or-later
"""Palettes: colors under names. A color of a shot is known by its name, so that it can change."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Container, Iterable
from dataclasses import dataclass, replace

from .protocol import require, shown

MOST_SWATCHES = 1024
LONGEST_NAME = 100

_COLOR = re.compile("#[0-9a-f]{6}")
_REACH = 10
"""How many levels a channel may differ to tell colors apart: enough for a full palette of black alone."""


@dataclass(frozen=True)
class Swatch:
    """A color under a name.

    name: what it paints, such as "Hair": up to 100 characters on one line, without spaces around them. color: sRGB as
    `#rrggbb`, in lower-case hexadecimal digits.
    """

    name: str
    color: str

    def __post_init__(self) -> None:
        require_name(self.name, "name")
        require_color(self.color, "color")

    @classmethod
    def of(cls, name: str, rgb: Iterable[int]) -> Swatch:
        """Make a swatch of an sRGB color, 0 to 255."""
        return cls(name, "#" + bytes(rgb).hex())

    @property
    def rgb(self) -> tuple[int, int, int]:
        """The color, sRGB 0 to 255."""
        red, green, blue = bytes.fromhex(self.color[1:])
        return red, green, blue


@dataclass(frozen=True)
class Palette:
    """The colors of a character or a show. No two have the same name; any number may have the same color."""

    swatches: tuple[Swatch, ...]

    def __post_init__(self) -> None:
        count = len(self.swatches)
        require(
            0 < count <= MOST_SWATCHES,
            "bad_palette",
            "swatches",
            f"A palette must have 1 to {MOST_SWATCHES} colors, not {count}.",
        )
        names: set[str] = set()
        for index, swatch in enumerate(self.swatches):
            require(
                swatch.name not in names,
                "name_twice",
                f"swatches.{index}.name",
                f"Two colors have the name {shown(swatch.name)}: give each color a name of its own.",
            )
            names.add(swatch.name)

    @property
    def by_name(self) -> dict[str, Swatch]:
        """The swatches by their names."""
        return {swatch.name: swatch for swatch in self.swatches}


@dataclass(frozen=True)
class PaletteSummary:
    """A version of a palette in the server's library.

    version: 1 for the first. author: the name of the token that it came with. created: seconds since the epoch. count:
    how many colors it has.
    """

    name: str
    version: int
    author: str
    created: float
    count: int


@dataclass(frozen=True)
class PaletteVersion:
    """A version of a palette in the server's library, with its colors. The fields are those of PaletteSummary."""

    name: str
    version: int
    author: str
    created: float
    swatches: tuple[Swatch, ...]


def require_color(color: str, field: str) -> None:
    """Raise ProtocolError unless this is a color as `#rrggbb`."""
    require(
        _COLOR.fullmatch(color) is not None,
        "bad_color",
        field,
        f"A color must be written as #rrggbb with lower-case hexadecimal digits, not {shown(color)}.",
    )


def require_name(name: str, field: str) -> None:
    """Raise ProtocolError unless a color or a palette may have this name."""
    require(
        is_name(name),
        "bad_name",
        field,
        f"A name must have 1 to {LONGEST_NAME} characters on one line, without spaces around them, not {shown(name)}.",
    )


def is_name(name: str) -> bool:
    """Tell whether a color or a palette may have this name."""
    return 0 < len(name) <= LONGEST_NAME and name == as_name(name)


def as_name(text: str) -> str:
    """Make a name of any text: what cannot be printed is left out, and so are spaces around it. It may be empty."""
    line = "".join(letter for letter in text if letter.isprintable())
    return line.strip()[:LONGEST_NAME].strip()


def numbered(name: str, taken: Container[str]) -> str:
    """Return a name with the first number that makes it another name than those that are taken, if it needs one."""
    others = (f"{name[: LONGEST_NAME - 6].strip()} {number}" for number in itertools.count(2))
    return next(one for one in itertools.chain([name], others) if one not in taken)


def named(colors: Iterable[tuple[str, tuple[int, int, int]]]) -> Palette:
    """Make a palette of texts and sRGB colors, 0 to 255.

    A color without a usable name is called by its code, and a name that was there before gets a number. Raises
    ProtocolError if there are too few colors, or too many.
    """
    swatches: dict[str, Swatch] = {}
    for text, rgb in colors:
        name = numbered(as_name(text) or "#" + bytes(rgb).hex(), swatches)
        swatches[name] = Swatch.of(name, rgb)
    return Palette(tuple(swatches.values()))


def apart(swatches: Iterable[Swatch], taken: Iterable[str] = ()) -> tuple[Swatch, ...]:
    """Give every swatch a color of its own, so that images tell entries of one color apart.

    The first of several with one color keeps it. Each other one gets the nearest color that is free, which is seldom
    more than one level of blue away and looks the same. taken: colors that are not free, unless a swatch has them.
    """
    asked = tuple(swatches)
    used, unfree, result = set[str](), {*taken, *(swatch.color for swatch in asked)}, []
    for swatch in asked:
        color = swatch.color
        if color in used:
            color = next(near for near in _near(swatch.rgb) if near not in unfree and near not in used)
        used.add(color)
        result.append(replace(swatch, color=color))
    return tuple(result)


def _near(rgb: tuple[int, int, int]) -> Iterable[str]:
    """Yield the colors around one, the most alike first."""
    for step in _steps():
        red, green, blue = (value + change for value, change in zip(rgb, step, strict=True))
        if min(red, green, blue) >= 0 and max(red, green, blue) <= 255:
            yield "#" + bytes((red, green, blue)).hex()


@functools.cache
def _steps() -> tuple[tuple[int, int, int], ...]:
    """Differences of a color's channels, the least visible first: the eye sees blue least, and green most."""
    levels = range(-_REACH, _REACH + 1)
    steps = itertools.product(levels, levels, levels)
    return tuple(sorted(steps, key=lambda step: (3 * step[0] ** 2 + 10 * step[1] ** 2 + step[2] ** 2, step))[1:])
