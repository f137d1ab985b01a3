# SPDX-License-Identifier: GPL-3.0-or-later
"""One small picture, in files of every kind that is read, and files of kinds that are refused."""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import OpenEXR
import tifffile
from PIL import Image, ImageCms

ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""The first column and row of each pass of an interlaced PNG, and the steps to the next ones."""


class PictureFile(NamedTuple):
    """A file, the pixels that it has (straight RGBA uint8 [H, W, 4]), and by how much a reader may miss them."""

    name: str
    content: bytes
    pixels: np.ndarray
    error: int = 0


def _chunk(kind: bytes, inside: bytes) -> bytes:
    return struct.pack(">I", len(inside)) + kind + inside + struct.pack(">I", zlib.crc32(kind + inside))


def _rows(samples: np.ndarray, depth: int) -> bytes:
    """Pack samples [H, W, C] as the rows of a PNG, none of them filtered."""
    if 0 in samples.shape:
        return b""
    if depth >= 8:
        packed = samples.reshape(len(samples), -1).astype(">u2" if depth == 16 else np.uint8)
        return b"".join(b"\0" + row.tobytes() for row in packed)
    bits = (samples[..., None].astype(int) >> np.arange(depth - 1, -1, -1)) & 1
    return b"".join(b"\0" + np.packbits(row.astype(np.uint8)).tobytes() for row in bits.reshape(len(samples), -1))


def make_png(samples: np.ndarray, depth: int, color: int, interlaced: bool = False, chunks: bytes = b"") -> bytes:
    """Write samples [H, W] or [H, W, C] as a PNG of any depth and color type, which no library at hand does."""
    height, width = samples.shape[:2]
    whole = samples.reshape(height, width, -1)
    passes = [whole[top::down, left::right] for left, top, right, down in ADAM7] if interlaced else [whole]
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlaced)
    packed = zlib.compress(b"".join(_rows(part, depth) for part in passes))
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + _chunk(b"IHDR", header) + chunks + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def make_tiff(samples: np.ndarray, **options: Any) -> bytes:
    """Write samples as a TIFF."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, samples, **options)
    return buffer.getvalue()


def make_exr(channels: dict[str, np.ndarray], **header: Any) -> bytes:
    """Write channels as an EXR."""
    buffer = io.BytesIO()
    kind = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(kind | header, channels).write(buffer)
    return buffer.getvalue()


def save(pixels: np.ndarray | Image.Image, kind: str, **options: Any) -> bytes:
    """Write an image with Pillow."""
    buffer = io.BytesIO()
    (pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)).save(buffer, kind, **options)
    return buffer.getvalue()


def linear(pixels: np.ndarray) -> np.ndarray:
    """Decode sRGB as light, float32."""
    share = pixels / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4).astype(np.float32)


def _opaque(pixels: np.ndarray) -> np.ndarray:
    colors = pixels if pixels.ndim == 3 else np.dstack([pixels] * 3)
    return np.dstack([colors, np.full(colors.shape[:2], 255, np.uint8)])


_random = np.random.default_rng(1)
RGBA = _random.integers(0, 256, (9, 13, 4), np.uint8)
RGBA[:, :3, 3], RGBA[:, 3:6, 3], RGBA[:, 6:, 3] = 0, 100, 255
RGB, ALPHA, LEVELS = RGBA[..., :3], RGBA[..., 3], RGBA[..., 0]
GRAY_ALPHA = np.dstack([LEVELS, ALPHA])
BITS = LEVELS > 127
SMOOTH = np.dstack([np.tile(np.linspace(0, 255, 13), (9, 1))] * 3).astype(np.uint8)
CMYK = Image.fromarray(RGB).convert("CMYK")


def deep(samples: np.ndarray) -> np.ndarray:
    """The same values in 16 bits."""
    return samples.astype(np.uint16) * 257


def _pngs() -> Iterator[PictureFile]:
    gray_alpha = np.dstack([LEVELS] * 3 + [ALPHA])
    for interlaced in (False, True):
        kind = "interlaced" if interlaced else "plain"
        for depth in (1, 2, 4):
            few = LEVELS >> (8 - depth)
            levels = few * (255 // (2**depth - 1))
            yield PictureFile(f"{kind} gray {depth}.png", make_png(few, depth, 0, interlaced), _opaque(levels))
        for depth in (1, 2, 4, 8):
            palette = _random.integers(0, 256, (2 ** min(depth, 6), 3), np.uint8)
            entries = LEVELS % len(palette)
            content = make_png(entries, depth, 3, interlaced, _chunk(b"PLTE", palette.tobytes()))
            yield PictureFile(f"{kind} palette {depth}.png", content, _opaque(palette[entries]))
        for name, color, samples, pixels in (
            ("gray", 0, LEVELS, _opaque(LEVELS)),
            ("gray and alpha", 4, GRAY_ALPHA, gray_alpha),
            ("RGB", 2, RGB, _opaque(RGB)),
            ("RGBA", 6, RGBA, RGBA),
        ):
            yield PictureFile(f"{kind} {name} 8.png", make_png(samples, 8, color, interlaced), pixels)
            yield PictureFile(f"{kind} {name} 16.png", make_png(deep(samples), 16, color, interlaced), pixels)
    for depth in (1, 2, 4, 8, 16):
        few = deep(LEVELS) if depth == 16 else LEVELS >> (8 - depth)
        levels = LEVELS if depth == 16 else few * (255 // (2**depth - 1))
        key = few[4, 4]
        content = make_png(few, depth, 0, False, _chunk(b"tRNS", struct.pack(">H", key)))
        pixels = np.dstack([levels] * 3 + [np.where(few == key, 0, 255).astype(np.uint8)])
        yield PictureFile(f"transparent gray {depth}.png", content, pixels)


def _tiffs() -> Iterator[PictureFile]:
    def tiff(name: str, pixels: np.ndarray, samples: np.ndarray, error: int = 0, **options: Any) -> PictureFile:
        return PictureFile(f"{name}.tif", make_tiff(samples, **options), pixels, error)

    gray, white = {"photometric": "minisblack"}, {"photometric": "miniswhite"}
    rgb: dict[str, Any] = {"photometric": "rgb"}
    straight = rgb | {"extrasamples": ["unassalpha"]}
    yield PictureFile("1 fax.tif", save(BITS, "TIFF", compression="group4"), _opaque(BITS * np.uint8(255)))
    yield tiff("1", _opaque(BITS * np.uint8(255)), BITS, **gray)
    yield tiff("1 white is 0", _opaque(BITS * np.uint8(255)), ~BITS, **white)
    yield tiff("gray 8", _opaque(LEVELS), LEVELS, **gray)
    yield tiff("gray 8 white is 0", _opaque(LEVELS), 255 - LEVELS, **white)
    yield tiff("gray 16", _opaque(LEVELS), deep(LEVELS), **gray)
    yield tiff("gray 16 big-endian", _opaque(LEVELS), deep(LEVELS), byteorder=">", **gray)
    yield tiff("gray 16 white is 0", _opaque(LEVELS), 65535 - deep(LEVELS), **white)
    yield tiff("RGB 8 zip", _opaque(RGB), RGB, compression="zlib", **rgb)
    yield PictureFile("RGB 8 lzw.tif", save(RGB, "TIFF", compression="tiff_lzw"), _opaque(RGB))
    yield tiff("RGB 16", _opaque(RGB), deep(RGB), **rgb)
    yield tiff("RGBA 8", RGBA, RGBA, **straight)
    yield tiff("RGBA 8 planar", RGBA, np.moveaxis(RGBA, 2, 0).copy(), planarconfig="separate", **straight)
    yield tiff("RGBA 16", RGBA, deep(RGBA), **straight)
    premultiplied = np.dstack([np.rint(RGB * (ALPHA[..., None] / 255)).astype(np.uint8), ALPHA])
    yield tiff("RGBA 8 premultiplied", RGBA, premultiplied, 3, extrasamples=["assocalpha"], **rgb)
    yield tiff("RGBA 16 premultiplied", RGBA, deep(premultiplied), 3, extrasamples=["assocalpha"], **rgb)
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        file.write(RGB, photometric="rgb")
        file.write(RGB[::2, ::2], photometric="rgb", subfiletype=1)
    yield PictureFile("with a small copy.tif", buffer.getvalue(), _opaque(RGB))


def _exrs() -> Iterator[PictureFile]:
    light, alpha = linear(RGB), (ALPHA / 255).astype(np.float32)
    premultiplied = np.dstack([light * alpha[..., None], alpha])
    yield PictureFile("float RGB.exr", make_exr({"RGB": light}), _opaque(RGB))
    yield PictureFile("half RGB.exr", make_exr({"RGB": light.astype(np.float16)}), _opaque(RGB), 1)
    yield PictureFile("float RGBA.exr", make_exr({"RGBA": premultiplied}), RGBA)
    yield PictureFile("half RGBA.exr", make_exr({"RGBA": premultiplied.astype(np.float16)}), RGBA, 1)
    yield PictureFile("gray.exr", make_exr({"Y": linear(LEVELS)}), _opaque(LEVELS))
    layers = {f"ViewLayer.Combined.{name}": premultiplied[..., index].copy() for index, name in enumerate("RGBA")}
    layers |= {f"ViewLayer.Emission.{name}": np.zeros_like(alpha) for name in "RGB"} | {"ViewLayer.Depth.Z": alpha}
    yield PictureFile("layers of Blender.exr", make_exr(layers), RGBA)
    parts = [
        OpenEXR.Part({"name": "depth"}, {"Z": alpha}),
        OpenEXR.Part({"name": "color"}, {"RGBA": premultiplied}),
    ]
    buffer = io.BytesIO()
    OpenEXR.File(parts).write(buffer)
    yield PictureFile("parts.exr", buffer.getvalue(), RGBA)
    inner = {"dataWindow": (np.array([2, 1], "i"), np.array([9, 6], "i"))}
    outer = {"displayWindow": (np.array([0, 0], "i"), np.array([12, 8], "i"))}
    around = np.zeros_like(RGBA)
    around[1:7, 2:10] = RGBA[1:7, 2:10]
    yield PictureFile("cut.exr", make_exr({"RGBA": premultiplied[1:7, 2:10].copy()}, **inner, **outer), around)


def _others() -> Iterator[PictureFile]:
    yield PictureFile("gray.jpg", save(SMOOTH[..., 0], "JPEG", quality=100), _opaque(SMOOTH), 3)
    yield PictureFile("RGB.jpeg", save(SMOOTH, "JPEG", quality=100, progressive=True), _opaque(SMOOTH), 3)
    yield PictureFile(
        "phone.jpg",
        save(SMOOTH, "MPO", quality=100, save_all=True, append_images=[CMYK.convert("RGB")]),
        _opaque(SMOOTH),
        3,
    )
    yield PictureFile("RGBA.webp", save(RGBA, "WEBP", lossless=True, exact=True), RGBA)
    yield PictureFile("lossy.webp", save(SMOOTH, "WEBP", quality=100), _opaque(SMOOTH), 6)
    yield PictureFile("RGB.bmp", save(RGB, "BMP"), _opaque(RGB))
    yield PictureFile("1.bmp", save(BITS, "BMP"), _opaque(BITS * np.uint8(255)))
    yield PictureFile("gray.bmp", save(LEVELS, "BMP"), _opaque(LEVELS))
    yield PictureFile("RGB.tga", save(RGB, "TGA"), _opaque(RGB))
    yield PictureFile("RGBA.tga", save(RGBA, "TGA", compression="tga_rle"), RGBA)
    yield PictureFile("old.tga", save(RGBA, "TGA")[:-26], RGBA)


READ = (*_pngs(), *_tiffs(), *_exrs(), *_others())

REFUSED = {
    "GIF": (save(RGB, "GIF"), "is a GIF file: save it as PNG, JPEG, "),
    "Photoshop": (b"8BPS" + bytes(40), "is a Photoshop file"),
    "text": (b"1,2,3", "is not an image that can be read"),
    "CMYK": (make_tiff(np.array(CMYK), photometric="separated"), "has colors for print"),
    "CMYK of a JPEG": (save(CMYK, "JPEG"), "has colors for print"),
    "Lab": (make_tiff(RGB, photometric="cielab"), "pixels of the kind LAB"),
    "float": (make_tiff(linear(LEVELS), photometric="minisblack"), "pixels of the kind F"),
    "float RGB": (make_tiff(linear(RGB), photometric="rgb"), "uncommon or damaged kind"),
    "pages": (make_tiff(np.stack([RGB, RGB]), photometric="rgb"), "has several pictures"),
    "moving WebP": (
        save(RGB, "WEBP", save_all=True, append_images=[Image.fromarray(RGB[::-1])]),
        "has several pictures",
    ),
    "depth": (make_exr({"Z": linear(LEVELS)}), "has no channels R, G and B"),
    "unclear layers": (
        make_exr({f"{layer}.{name}": linear(LEVELS) for layer in ("ink", "paint") for name in "RGB"}),
        "has the layers ink, paint, and none is the main one",
    ),
}
"""Files, and what the error says about each."""


def _print_profile() -> bytes:
    """An ICC profile for four inks that mix as filters do: a table of the Lab of each mixture of full inks."""
    inks = np.stack(np.unravel_index(np.arange(16), (2, 2, 2, 2)), axis=1)
    colors = ((1 - inks[:, :3]) * (1 - inks[:, 3:]) * 255).astype(np.uint8)
    lab = np.array(ImageCms.applyTransform(Image.fromarray(colors[None]), _to_lab()))[0]
    lab[:, 1:] = lab[:, 1:] + np.uint8(128)  # Pillow's a and b are signed
    ramp = bytes(range(256))
    one, none = struct.pack(">i", 1 << 16), bytes(4)
    matrix = one + none * 3 + one + none * 3 + one
    table = b"mft1" + none + bytes([4, 3, 2, 0]) + matrix + ramp * 4 + lab.tobytes() + ramp * 3
    white = b"XYZ " + none + struct.pack(">3i", 63190, 65536, 54061)
    tags = struct.pack(">I", 2)
    tags += struct.pack(">4sII", b"A2B0", 156, len(table)) + struct.pack(">4sII", b"wtpt", 156 + len(table), len(white))
    size = 128 + len(tags) + len(table) + len(white)
    header = struct.pack(">I4sI4s4s4s", size, none, 0x02400000, b"prtr", b"CMYK", b"Lab ") + bytes(12) + b"acsp"
    header = header.ljust(68, b"\0") + struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + tags + table + white


def _to_lab() -> ImageCms.ImageCmsTransform:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    return ImageCms.buildTransform(srgb, lab, "RGB", "LAB")


PRINT_PROFILE = _print_profile()
