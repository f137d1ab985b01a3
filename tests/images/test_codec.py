# SPDX-License-Identifier: GPL-3.0-or-later
"""Line art and paintings are read as the animator intends. An error says why an image cannot be read."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from server.images import codec
from server.images.codec import ImageError, encode_png, encode_thumbnail, read_painted, read_size


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def thumbnail(source: bytes, width: int) -> np.ndarray:
    with Image.open(io.BytesIO(encode_thumbnail(source, width))) as image:
        assert (image.format, image.mode) == ("WEBP", "RGB")
        return np.asarray(image).astype(int)


def test_transparent_line_art_lies_on_white_paper():
    sheet = np.zeros((4, 6, 4), np.uint8)  # black everywhere, seen only in one column
    sheet[:, 2, 3] = 255
    art = read_painted(png(Image.fromarray(sheet)))
    assert (art[:, 2] == 0).all() and (np.delete(art, 2, axis=1) == 255).all()


def test_sixteen_bit_gray_is_scaled_not_clipped():
    deep = np.array([[0, 257 * 100, 65535]], np.uint16)
    assert read_painted(png(Image.fromarray(deep)))[..., 0].tolist() == [[0, 100, 255]]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_kind_of_png_is_read_alike(mode):
    sheet = Image.new("L", (8, 5), 255)
    sheet.paste(0, (2, 1, 4, 3))
    if mode == "LA" or mode == "P":
        converted = sheet.convert("RGBA").convert("LA") if mode == "LA" else sheet.convert("RGB").convert("P")
    else:
        converted = sheet.convert(mode)
    assert (read_painted(png(converted)) == np.asarray(sheet)[..., None]).all()


def test_what_is_written_is_read_back_and_always_the_same(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (7, 9, 3), np.uint8)
    content = encode_png(picture)
    assert content == encode_png(np.asfortranarray(picture))
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    assert (read_painted(path) == picture).all()
    assert read_size(path) == (9, 7)


def test_a_file_that_is_no_image_is_named(tmp_path):
    path = tmp_path / "frame_0003.png"
    path.write_bytes(b"GIF89a nothing of the kind")
    with pytest.raises(ImageError, match=r"frame_0003\.png is a GIF file: save it as PNG"):
        read_painted(path)
    with pytest.raises(ImageError, match="Drawing 7 is not an image that can be read"):
        read_painted(b"", "Drawing 7")


def test_a_png_cut_short_is_called_damaged(tmp_path):
    path = tmp_path / "cut.png"
    path.write_bytes(encode_png(np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8))[:-900])
    with pytest.raises(ImageError, match=r"cut\.png is a damaged PNG"):
        read_painted(path)


def test_a_missing_file_is_an_image_error(tmp_path):
    with pytest.raises(ImageError, match=r"none\.png cannot be read"):
        read_size(tmp_path / "none.png")


def test_an_image_too_large_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(codec, "MAX_PIXELS", 100)
    cut = encode_png(np.zeros((20, 20), np.uint8))[:60]  # enough for the header; decoding it would fail otherwise
    with pytest.raises(ImageError, match="20×20; at most 100 pixels"):
        read_painted(cut)


def test_a_thumbnail_is_as_wide_as_asked_and_keeps_the_shape():
    assert thumbnail(encode_png(np.zeros((540, 960, 3), np.uint8)), 160).shape == (90, 160, 3)
    assert thumbnail(encode_png(np.zeros((2, 900, 3), np.uint8)), 30).shape == (1, 30, 3)


def test_a_small_picture_is_not_enlarged_and_its_thumbnail_is_exact():
    picture = np.random.default_rng(0).integers(0, 256, (7, 9, 3), np.uint8)
    assert (thumbnail(encode_png(picture), 160) == picture).all()


def test_a_thin_line_is_seen_in_a_thumbnail_wherever_it_runs():
    for column in range(40, 50):
        sheet = np.full((40, 100), 255, np.uint8)
        sheet[:, column] = 0
        small = thumbnail(encode_png(sheet), 10)
        assert (np.abs(small[:, 4] - 255 * 0.9) <= 1).all() and (np.delete(small, 4, axis=1) == 255).all()


def test_transparency_is_white_in_a_thumbnail():
    sheet = np.zeros((40, 40, 4), np.uint8)  # black everywhere, seen only on the left half
    sheet[:, :20, 3] = 255
    small = thumbnail(png(Image.fromarray(sheet)), 4)
    assert (small[:, :2] == 0).all() and (small[:, 2:] == 255).all()


def test_a_thumbnail_of_an_image_too_large_or_of_no_image_is_refused(monkeypatch):
    with pytest.raises(ImageError, match="Drawing 7 is not an image that can be read"):
        encode_thumbnail(b"", 160, "Drawing 7")
    monkeypatch.setattr(codec, "MAX_PIXELS", 100)
    cut = encode_png(np.zeros((20, 20), np.uint8))[:60]
    with pytest.raises(ImageError, match="20×20; at most 100 pixels"):
        encode_thumbnail(cut, 160)


def with_chunk(content: bytes, before: bytes, kind: bytes, inside: bytes) -> bytes:
    """Put a chunk with a right checksum into a PNG, before the first of another kind."""
    place = content.index(before) - 4
    chunk = struct.pack(">I", len(inside)) + kind + inside + struct.pack(">I", zlib.crc32(kind + inside))
    return content[:place] + chunk + content[place:]


WHOLE = encode_png(np.random.default_rng(0).integers(0, 256, (9, 13, 3), np.uint8))
DAMAGED = {
    "cut in its header": WHOLE[:20],
    "cut in its pixels": WHOLE[:-60],
    "a remark that unpacks to megabytes": with_chunk(
        WHOLE, b"IDAT", b"zTXt", b"key\0\0" + zlib.compress(bytes(5_000_000))
    ),
    "a color profile that ends too early after the pixels": with_chunk(WHOLE, b"IEND", b"iCCP", b"name\0"),
    "a color profile of no known kind after the pixels": with_chunk(WHOLE, b"IEND", b"iCCP", b"name\0\7"),
    "a resolution that ends too early after the pixels": with_chunk(WHOLE, b"IEND", b"pHYs", b"1"),
    "a transparency that fits no palette": with_chunk(
        png(Image.new("P", (13, 9), 5)), b"IDAT", b"tRNS", zlib.compress(bytes(300_000))
    ),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_png_damaged_anywhere_is_an_image_error(content: bytes):
    def thumbnail(source: bytes, name: str) -> bytes:
        return encode_thumbnail(source, 9, name)

    for read in (read_painted, codec.read_rgba, thumbnail):
        with pytest.raises(ImageError, match="Drawing 7 is a damaged PNG"):
            read(content, "Drawing 7")


def test_a_png_that_declares_too_many_pixels_is_refused_by_each_of_its_headers():
    for side in (6325, 65535, 2**31 - 1):
        header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        vast = with_chunk(WHOLE, b"IDAT", b"IHDR", header)
        with pytest.raises(ImageError, match=r"pixels (are )?accepted: export it smaller"):
            read_size(vast)


@pytest.mark.parametrize("place", ["before", "after", "JPEG segments", "JPEG fill"])
def test_a_file_of_very_many_parts_is_refused_before_all_are_read(monkeypatch, place):
    sheet, buffer = Image.new("L", (8, 5), 255), io.BytesIO()
    sheet.save(buffer, "JPEG")
    whole, jpeg = png(sheet), buffer.getvalue()
    empty = struct.pack(">I4sI", 0, b"teSt", zlib.crc32(b"teSt"))

    def made(parts):
        return {
            "before": whole[:33] + empty * parts + whole[33:],
            "after": whole[:-12] + empty * parts + whole[-12:],
            "JPEG segments": jpeg[:2] + b"\xff\xe9\x00\x02" * parts + jpeg[2:],
            "JPEG fill": jpeg[:2] + b"\xff" * parts + jpeg[2:],
        }[place]

    assert codec.read_rgba(made(8000)).shape == (5, 8, 4), "64 MB in parts of 8 KB"
    with pytest.raises(ImageError, match="damaged"):
        codec.read_rgba(made(codec.MAX_READS + 1))
