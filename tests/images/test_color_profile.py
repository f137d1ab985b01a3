# SPDX-License-Identifier: GPL-3.0-or-later
"""A painting keeps the colors that its animator saw, whatever color space its file names."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from server.images.codec import ImageError, encode_png, read_painted, read_rgba, read_size

RED, YELLOW, GRAY = (220, 50, 50), (255, 220, 80), (119, 119, 119)
SEEN = np.array([[RED, YELLOW, GRAY, (0, 0, 0), (255, 255, 255)]], np.uint8)
IN_P3 = np.array([[(203, 66, 59), (249, 221, 105), GRAY, (0, 0, 0), (255, 255, 255)]], np.uint8)
"""The numbers of the same colors in Display P3, as the animator's program stores them."""

CHRM = {
    "sRGB": (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000),
    "P3": (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000),
    "P3, white of D50": (34567, 35850, 68207, 31939, 28457, 67459, 15588, 6608),
}


def png(pixels: np.ndarray, chunks: dict[bytes, bytes] | None = None, **options: object) -> bytes:
    info, buffer = PngInfo(), io.BytesIO()
    for kind, content in (chunks or {}).items():
        info.add(kind, content)
    Image.fromarray(pixels).save(buffer, "PNG", pnginfo=info, **options)
    return buffer.getvalue()


def chrm(name: str) -> bytes:
    return struct.pack(">8I", *CHRM[name])


def off(content: bytes, expected: np.ndarray) -> int:
    return int(np.abs(read_painted(content).astype(int) - expected).max())


@pytest.mark.parametrize(
    "chunks",
    [
        {b"cICP": bytes([12, 13, 0, 1])},
        {b"cICP": bytes([12, 13, 0, 1]), b"sRGB": b"\0"},
        {b"gAMA": struct.pack(">I", 45455), b"cHRM": chrm("P3")},
        {b"cHRM": chrm("P3")},
        {b"cHRM": chrm("P3, white of D50")},
    ],
    ids=["cICP", "cICP before sRGB", "gAMA and cHRM", "cHRM", "cHRM of another white"],
)
def test_a_wide_gamut_becomes_what_is_seen(chunks: dict[bytes, bytes]) -> None:
    assert off(png(IN_P3, chunks), SEEN) <= 2


def profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC profile, version 2, of a display."""
    table, data, place = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", place + len(data), len(content))
        data += content
    header = bytearray(128)
    header[:4] = struct.pack(">I", place + len(data))
    header[8:24] = b"\x02\x10\0\0mntr" + space + b"XYZ "
    header[36:40] = b"acsp"
    header[68:80] = struct.pack(">3i", 63190, 65536, 54061)
    return bytes(header) + table + data


def xyz(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def gamma(value: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256)) + b"\0\0"


WHITE = {b"wtpt": xyz(0.9642, 1, 0.8249)}
ADOBE = profile(
    b"RGB ",
    WHITE
    | {b"rXYZ": xyz(0.60974, 0.31111, 0.01947), b"gXYZ": xyz(0.20528, 0.62567, 0.06087)}
    | {b"bXYZ": xyz(0.14919, 0.06322, 0.74457)}
    | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), gamma(2.2)),
)
LINEAR_GRAY = profile(b"GRAY", WHITE | {b"kTRC": gamma(1)})
IN_ADOBE = np.array([[(190, 53, 53), (245, 219, 92), (118, 118, 118), (0, 0, 0), (255, 255, 255)]], np.uint8)
"""The numbers of the same colors in Adobe RGB, by its published matrix and its gamma of 2.2."""


@pytest.mark.parametrize("alpha", [None, 90])
def test_an_embedded_profile_is_applied_and_alpha_is_kept(alpha: int | None) -> None:
    if alpha is None:
        assert off(png(IN_ADOBE, icc_profile=ADOBE), SEEN) <= 2
        return
    pixels = np.dstack([IN_ADOBE, np.full(IN_ADOBE.shape[:2], alpha, np.uint8)])
    found = read_rgba(png(pixels, icc_profile=ADOBE))
    assert (found[..., 3] == alpha).all() and np.abs(found[..., :3].astype(int) - SEEN).max() <= 2


def test_a_profile_of_sixteen_bits_palettes_and_grays_is_applied() -> None:
    palette = Image.fromarray(IN_ADOBE).quantize(5)
    buffer = io.BytesIO()
    palette.save(buffer, "PNG", icc_profile=ADOBE)
    assert off(buffer.getvalue(), SEEN) <= 2
    grays = np.array([[0, 119, 255]], np.uint8)
    for pixels in (grays, grays.astype(np.uint16) * 257):
        assert off(png(pixels, icc_profile=ADOBE), grays[..., None]) <= 2


def test_a_profile_of_grays_is_applied_and_fits_no_colors() -> None:
    grays = np.array([[0, 55, 255]], np.uint8)
    for pixels in (grays, grays.astype(np.uint16) * 257, np.dstack([grays, np.full_like(grays, 255)])):
        assert off(png(pixels, icc_profile=LINEAR_GRAY), np.array([[[0], [128], [255]]])) <= 1
    with pytest.raises(ImageError, match="color profile that cannot be used"):
        read_painted(png(SEEN, icc_profile=LINEAR_GRAY))


def test_a_gamma_of_its_own_is_applied() -> None:
    linear = png(np.array([[[0, 55, 255]]], np.uint8), {b"gAMA": struct.pack(">I", 100000)})
    assert np.abs(read_painted(linear).astype(int) - (0, 128, 255)).max() <= 1


@pytest.mark.parametrize(
    ("chunks", "profile"),
    [
        ({}, None),
        ({b"sRGB": b"\0", b"gAMA": struct.pack(">I", 100000)}, None),
        ({b"gAMA": struct.pack(">I", 45455), b"cHRM": chrm("sRGB")}, None),
        ({b"cICP": bytes([1, 13, 0, 1])}, None),
        ({b"cICP": bytes([2, 2, 0, 1])}, None),
        ({}, ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()),
    ],
    ids=["none", "sRGB", "gAMA and cHRM", "cICP", "cICP that says nothing", "iCCP"],
)
def test_srgb_in_other_words_keeps_the_exact_numbers(chunks: dict[bytes, bytes], profile: bytes | None) -> None:
    every = np.random.default_rng(0).integers(0, 256, (60, 70, 3), np.uint8)
    assert (read_painted(png(every, chunks, icc_profile=profile)) == every).all()


@pytest.mark.parametrize(
    "options",
    [
        {"icc_profile": b"no profile"},
        {"chunks": {b"cICP": bytes([9, 16, 0, 1])}},  # HDR
        {"chunks": {b"cHRM": bytes(32)}},
    ],
)
def test_a_color_space_that_cannot_be_used_is_named(options: dict) -> None:
    with pytest.raises(ImageError, match="Drawing 7 has a color profile that cannot be used: convert it to sRGB"):
        read_painted(png(SEEN, **options), "Drawing 7")


def test_what_is_written_says_that_it_is_srgb() -> None:
    assert "srgb" in Image.open(io.BytesIO(encode_png(SEEN))).info


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_image_is_read_upright(orientation: int) -> None:
    """Each turn is that of the EXIF specification: which edges its first row and its first column stand for."""
    upright = np.random.default_rng(1).integers(0, 256, (4, 7, 4), np.uint8)
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
        5: upright.swapaxes(0, 1), 6: np.rot90(upright, 1), 7: upright[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(upright, -1),
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = png(np.ascontiguousarray(stored), exif=exif)
    assert (read_rgba(content) == upright).all()
    assert read_size(content) == (7, 4)
