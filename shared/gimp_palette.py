# SPDX-License-Identifier: GPL-3.0-or-later
"""GIMP's palettes (.gpl), which Krita, Inkscape and Aseprite also read and write.

The first line is `GIMP Palette`. Lines with `Name:`, `Columns:` and, from Aseprite, `Channels:` may follow. Every other
line is a color: red, green and blue from 0 to 255, and its name. `#` begins a comment. The text is UTF-8.
"""

from __future__ import annotations

import re

from .errors import PaletteError
from .palette import Palette, as_name, named
from .protocol import shown
from .translatable_text import TranslatableText

FIRST_LINE = "GIMP Palette"
_SETTING = re.compile(r"(Name|Columns|Channels):", re.IGNORECASE)
_COLOR = re.compile(r"(\d{1,3})\s+(\d{1,3})\s+(\d{1,3})(?:\s+(.*))?", re.ASCII)
_ALPHA = re.compile(r"(\d{1,3})(?:\s+|$)", re.ASCII)


def read(content: bytes) -> Palette:
    """Read a palette. Raises PaletteError, which names the line, or ProtocolError if its colors are too many."""
    try:
        first, *lines = content.decode("utf-8-sig").splitlines() or [""]
    except UnicodeDecodeError as error:
        raise PaletteError(
            TranslatableText(
                "It is not UTF-8 text: byte {place} is {found}. Save it again in GIMP or Krita.",
                place=error.start + 1,
                found=f"0x{content[error.start]:02x}",
            )
        ) from error
    if first.strip() != FIRST_LINE:
        raise PaletteError(
            TranslatableText(
                "Its first line is {found}, not {wanted}: export it again as a GIMP palette.",
                found=shown(first),
                wanted=FIRST_LINE,
            )
        )
    colors, has_alpha = [], False
    for number, line in enumerate(lines, start=2):
        text = line.strip()
        if text.casefold().startswith("channels:"):
            has_alpha = "RGBA" in text.upper()
        if not text or text.startswith("#") or _SETTING.match(text):
            continue
        found = _COLOR.fullmatch(text)
        rgb = tuple(int(value) for value in found.groups()[:3]) if found else ()
        if not found or max(rgb) > 255:
            raise PaletteError(
                TranslatableText(
                    "Line {number} is {found}; a color is three numbers from 0 to 255 and a name: correct the line.",
                    number=number,
                    found=shown(text),
                )
            )
        name = found[4] or ""
        colors.append((_ALPHA.sub("", name, count=1) if has_alpha else name, rgb))
    return named(colors)  # type: ignore[arg-type]  # three numbers each


def write(palette: Palette, name: str) -> bytes:
    """Return a file with a palette, under this name."""
    colors = [f"{swatch.rgb[0]:3} {swatch.rgb[1]:3} {swatch.rgb[2]:3}\t{swatch.name}" for swatch in palette.swatches]
    return "\n".join([FIRST_LINE, f"Name: {as_name(name)}", "#", *colors, ""]).encode()
