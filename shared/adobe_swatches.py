# SPDX-License-Identifier: GPL-3.0-or-later
"""Adobe Swatch Exchange (.ase), which Photoshop, Illustrator, Krita and others read and write.

All numbers are big-endian. A header, `ASEF`, the version and the number of blocks, is followed by blocks: their kind,
their length in bytes, and their content. A color has a name in UTF-16 that ends with a zero, a color space of four
letters, its values as floats, and the kind of the color. Groups of colors begin and end with blocks of their own.
"""

from __future__ import annotations

import math
import struct

from .errors import PaletteError
from .palette import Palette, named
from .protocol import shown
from .translatable_text import TranslatableText

SIGNATURE = b"ASEF"
_HEADER = struct.Struct(">4sHHI")
_BLOCK = struct.Struct(">HI")
_COLOR, _GROUP_START, _GROUP_END = 0x0001, 0xC001, 0xC002
_CHANNELS = {b"RGB ": 3, b"Gray": 1, b"GRAY": 1}
_NORMAL = 2


def read(content: bytes) -> Palette:
    """Read a palette; its groups are left out. Raises PaletteError, which names the block, or ProtocolError if its
    colors are too many."""
    if len(content) < _HEADER.size or not content.startswith(SIGNATURE):
        raise PaletteError(
            TranslatableText(
                "It begins with {found}, not {wanted}: export it again as Adobe Swatch Exchange.",
                found=shown(content[:8]),
                wanted=SIGNATURE.decode(),
            )
        )
    _, major, minor, count = _HEADER.unpack_from(content)
    if major != 1:
        raise PaletteError(
            TranslatableText(
                "It is version {found} of Adobe Swatch Exchange; version 1.0 is accepted: export it again.",
                found=f"{major}.{minor}",
            )
        )
    colors, at = [], _HEADER.size
    for number in range(1, count + 1):
        if len(content) < at + _BLOCK.size:
            raise _cut_off(number, count)
        kind, length = _BLOCK.unpack_from(content, at)
        block = content[at + _BLOCK.size : at + _BLOCK.size + length]
        if len(block) < length:
            raise _cut_off(number, count)
        at += _BLOCK.size + length
        if kind == _COLOR:
            colors.append(_color(block, number))
        elif kind not in (_GROUP_START, _GROUP_END):
            raise PaletteError(
                TranslatableText(
                    "Its block {number} is of the unknown kind {kind}: export the palette again.",
                    number=number,
                    kind=f"0x{kind:04x}",
                )
            )
    return named(colors)


def write(palette: Palette) -> bytes:
    """Return a file with a palette."""
    blocks = b""
    for swatch in palette.swatches:
        name = (swatch.name + "\0").encode("utf-16-be")
        values = struct.pack(">3f", *(value / 255 for value in swatch.rgb))
        block = struct.pack(">H", len(name) // 2) + name + b"RGB " + values + struct.pack(">H", _NORMAL)
        blocks += _BLOCK.pack(_COLOR, len(block)) + block
    return _HEADER.pack(SIGNATURE, 1, 0, len(palette.swatches)) + blocks


def _color(block: bytes, number: int) -> tuple[str, tuple[int, int, int]]:
    """Read the name and the sRGB color, 0 to 255, of a block."""
    try:
        (length,) = struct.unpack_from(">H", block)
        name = block[2 : 2 + 2 * length].decode("utf-16-be").rstrip("\0")
        (space,) = struct.unpack_from(">4s", block, 2 + 2 * length)
        if space not in _CHANNELS:
            raise PaletteError(
                TranslatableText(
                    "The color {name} is in {found}; RGB and Gray are accepted: convert the palette to RGB.",
                    name=shown(name),
                    found=shown(space.decode("latin-1").strip()),
                )
            )
        values = struct.unpack_from(f">{_CHANNELS[space]}f", block, 6 + 2 * length)
    except (struct.error, UnicodeDecodeError) as error:
        raise PaletteError(
            TranslatableText("Its block {number} is damaged: export the palette again.", number=number)
        ) from error
    if not all(math.isfinite(value) and -0.01 <= value <= 1.01 for value in values):
        raise PaletteError(
            TranslatableText(
                "The color {name} has the values {found}; values from 0 to 1 are accepted: export the palette again.",
                name=shown(name),
                found=", ".join(f"{value:g}" for value in values),
            )
        )
    levels = [min(max(round(255 * value), 0), 255) for value in values]
    red, green, blue = levels if len(levels) == 3 else 3 * levels
    return name, (red, green, blue)


def _cut_off(number: int, count: int) -> PaletteError:
    return PaletteError(
        TranslatableText(
            "It ends within block {number} of {count}: copy or export the palette again.", number=number, count=count
        )
    )
