# SPDX-License-Identifier: GPL-3.0-or-later
"""Palettes in files: what is written is read again, and a broken file is named in a sentence."""

import random
import struct
from pathlib import Path

import pytest

from shared import adobe_swatches, gimp_palette
from shared.errors import PaletteError
from shared.palette import Palette, Swatch, as_name, named
from shared.palette_files import SUFFIXES, read_palette, write_palette

LETTERS = "aZ 09#:\t\"'\\,;äß漢字😀ЖمRGB"


def some_palette(seed: int) -> Palette:
    """A palette of made-up names and colors."""
    chance = random.Random(seed)
    return named(
        ("".join(chance.choices(LETTERS, k=chance.randrange(40))), tuple(chance.choices(range(256), k=3)))
        for _ in range(chance.randrange(1, 60))
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("seed", range(20))
def test_what_is_written_is_read_again(tmp_path: Path, suffix: str, seed: int) -> None:
    path, palette = tmp_path / f"Show{suffix}", some_palette(seed)
    write_palette(palette, path)
    assert read_palette(path) == palette
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_gpl_of_other_programs() -> None:
    text = "\ufeffGIMP Palette\r\nName: Bears\r\nColumns: 16\r\n# a comment\r\n\r\n"
    text += "  8   8   8\tgrey3\r\n255 0 12 Red Hat\r\n1 2 3"
    assert gimp_palette.read(text.encode()) == Palette(
        (Swatch("grey3", "#080808"), Swatch("Red Hat", "#ff000c"), Swatch("#010203", "#010203"))
    )
    aseprite = "GIMP Palette\nChannels: RGBA\n#\n1 2 3 255\tSkin\n4 5 6 0 Clear\n7 8 9 255"
    assert [swatch.name for swatch in gimp_palette.read(aseprite.encode()).swatches] == ["Skin", "Clear", "#070809"]


def test_ase_of_other_programs() -> None:
    def block(kind: int, content: bytes) -> bytes:
        return struct.pack(">HI", kind, len(content)) + content

    def color(name: str, space: bytes, *values: float) -> bytes:
        text = (name + "\0").encode("utf-16-be")
        numbers = struct.pack(f">{len(values)}f", *values)
        return block(1, struct.pack(">H", len(text) // 2) + text + space + numbers + struct.pack(">H", 0))

    group = block(0xC001, struct.pack(">H", 2) + "A\0".encode("utf-16-be"))
    blocks = [group, color("Haut", b"RGB ", 1, 0.5, 0), color("Grau", b"Gray", 0.2), block(0xC002, b"")]
    head = b"ASEF" + struct.pack(">HHI", 1, 0, len(blocks))
    assert adobe_swatches.read(head + b"".join(blocks)) == Palette(
        (Swatch("Haut", "#ff8000"), Swatch("Grau", "#333333"))
    )
    one = b"ASEF" + struct.pack(">HHI", 1, 0, 1)
    for broken, words in (
        (one + color("Ink", b"CMYK", 0, 0, 0, 1), "The color 'Ink' is in 'CMYK'; RGB and Gray are accepted"),
        (one + color("Odd", b"RGB ", 2, 0, 0), "The color 'Odd' has the values 2, 0, 0"),
        (one + color("Odd", b"RGB ", float("nan"), 0, 0), "the values nan, 0, 0"),
        (one + block(7, b""), "block 1 is of the unknown kind 0x0007"),
        (one + block(1, b"\0"), "block 1 is damaged"),
        (one + block(1, b"\0\5ab"), "block 1 is damaged"),
        (one, "ends within block 1 of 1"),
        (b"ASEF" + struct.pack(">HHI", 2, 1, 0), "version 2.1"),
        (b"\x10\0\0\0\xe0\xa5\0\0\0\0\0\0", "It begins with"),
    ):
        with pytest.raises(PaletteError) as caught:
            adobe_swatches.read(broken)
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.gpl", b"", "a.gpl: Its first line is '', not GIMP Palette"),
        ("a.gpl", b"JASC-PAL\n0100", "Its first line is 'JASC-PAL'"),
        ("a.gpl", b"GIMP Palette\n#\n1 2 red", "Line 3 is '1 2 red'"),
        ("a.gpl", b"GIMP Palette\n1 2 300 red", "Line 2 is '1 2 300 red'"),
        ("a.gpl", b"GIMP Palette\n1 2 3 \xff", "not UTF-8 text: byte 20 is 0xff"),
        ("a.gpl", b"GIMP Palette\nName: nothing\n", "1 to 1024 colors, not 0"),
        ("a.gpl", b"GIMP Palette\n" + b"1 2 3\n" * 1025, "1 to 1024 colors, not 1025"),
        ("a.gpl", b"\0" * 4_000_001, "too large"),
        ("a.ase", b"GIMP Palette\n1 2 3 red", "It begins with b'GIMP Pal', not ASEF"),
        ("a.ase", b"ASEF", "It begins with b'ASEF'"),
    ],
)
def test_a_broken_file_is_named_with_what_was_found(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(PaletteError) as caught:
        read_palette(path)
    assert words in str(caught.value) and str(caught.value).startswith(f"{name}: ")


def test_a_missing_file_and_a_wrong_ending_are_named(tmp_path: Path) -> None:
    with pytest.raises(PaletteError, match=r"gone\.gpl: It cannot be read: No such file"):
        read_palette(tmp_path / "gone.gpl")
    with pytest.raises(PaletteError, match=r"a\.png: Its name ends with '\.png'; \.gpl, \.ase are accepted"):
        write_palette(some_palette(0), tmp_path / "a.png")
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_any_damage_gives_a_palette_or_a_sentence(tmp_path: Path, suffix: str) -> None:
    chance, refused = random.Random(suffix), 0
    for seed in range(300):
        path = tmp_path / f"Show{suffix}"
        write_palette(some_palette(seed), path)
        content = bytearray(path.read_bytes())
        for _ in range(chance.randrange(1, 6)):
            place = chance.randrange(len(content))
            if chance.random() < 0.5:
                content[place] = chance.randrange(256)
            else:
                del content[place : place + chance.randrange(1, 30)]
                content += b"\0"
        path.write_bytes(content)
        try:
            palette = read_palette(path)
        except PaletteError as error:
            assert str(error).startswith(f"Show{suffix}: ") and str(error).endswith(".")
            refused += 1
        else:
            assert all(swatch.name == as_name(swatch.name) for swatch in palette.swatches)
    assert refused > 30
