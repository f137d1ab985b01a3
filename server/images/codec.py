# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading of images as RGB or RGBA, and writing of PNGs and thumbnails.

No image is decoded before its size is known. Images are read in sRGB and upright, whatever color space and orientation
their files name, and written in sRGB.
"""

import io
import struct
from pathlib import Path
from typing import IO
from zlib import crc32

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from server.images.color_profile import ColorProfileError, cmyk_to_srgb, to_srgb
from server.images.exr import DamagedExr, ExrError, Header, read_exr, read_header
from server.images.formats import ACCEPTED, FORMATS, identify
from server.images.pixel_kinds import GRAY, to_rgba, what_is_uncommon

MAX_PIXELS = 40_000_000
"""The most pixels of an image: 8K UHD (33 million) or a sheet of A4 at 600 dpi (35 million), plus a margin."""

MAX_READS = 200_000
"""The most pieces in which an image that was sent is read. Pillow reads each part of a file in two or three, so this is
more than 60,000 parts; 64 MB in parts of 8 KB are 8,000. A file of empty parts would keep it busy for a minute."""

MAX_SAMPLES = 4 * MAX_PIXELS
"""The most numbers of an EXR file, in all of its layers, which are decoded together."""

Density = tuple[int, int, int]
"""How many pixels there are to a unit across and down, and the unit: 1 for a meter, 0 if only the ratio is known, which
tells how wide a pixel is. As in the chunk pHYs of a PNG."""

MAX_WEBP_SIDE = 16383
"""The largest width or height of a WebP image in pixels."""


_DAMAGE = (
    *(OSError, SyntaxError, ValueError, LookupError, TypeError, ArithmeticError, EOFError, RuntimeError),
    struct.error,
)
"""The exceptions that Pillow raises for a damaged file. While opening a file, Pillow treats them as a sign that the
file is not of the format."""


_HEADER = 33
"""The length of a PNG's signature and its first chunk."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What puts an image upright, by its EXIF orientation. From 5 on, width and height change places."""


class ImageError(ValueError):
    """A file is not an image that can be colored; the message names it and says what is accepted."""


def read_painted(source: bytes | Path, name: str = "") -> np.ndarray:
    """Read a painted image as RGB uint8 [H, W, 3], with transparency over white.

    `name` is the image's name in an ImageError; for a path, the default is the path.
    """
    return _over_white(source, name)


def read_rgba(source: bytes | Path, name: str = "") -> np.ndarray:
    """Read an image as RGBA uint8 [H, W, 4]. Raises ImageError."""
    return np.asarray(_loaded(source, name))


def read_frame(source: bytes | Path, name: str = "") -> np.ndarray:
    """Read a colored frame as it was written: RGB uint8 [H, W, 3], or straight RGBA [H, W, 4]. Raises ImageError."""
    channels = len(_open(source, name, "PNG").getbands())
    return read_rgba(source, name)[..., :channels]


def read_size(source: bytes | Path, name: str = "") -> tuple[int, int]:
    """Return (width, height) by reading only the file's header. Raises ImageError."""
    name = _name(source, name)
    kind = _kind(source, name)
    if kind == "EXR":
        return _exr_header(source, name).size
    image = _open(source, name, kind)
    try:
        return image.size[::-1] if _orientation(image) >= 5 else image.size
    except _DAMAGE as error:
        raise _damaged(name, kind) from error


def read_density(source: bytes | Path, name: str = "") -> Density | None:
    """Return the density that an image's header names, or None. Raises ImageError."""
    name = _name(source, name)
    kind = _kind(source, name)
    if kind == "EXR":
        aspect = _exr_header(source, name).pixel_aspect
        return None if aspect == 1 else (10_000, round(10_000 * aspect), 0)
    image = _open(source, name, kind)
    chunk = _chunk(source, b"pHYs") if kind == "PNG" else None
    try:
        across, down, unit = struct.unpack(">IIB", chunk) if chunk else (*map(_per_meter, image.info["dpi"]), 1)
        turned = _orientation(image) >= 5
    except _DAMAGE:  # a frame can do without
        return None
    if not (0 < across < 2**31 and 0 < down < 2**31 and unit in (0, 1)):
        return None
    return (down, across, unit) if turned else (across, down, unit)


def encode_png(image: np.ndarray, density: Density | None = None) -> bytes:
    """Encode uint8 [H, W], RGB [H, W, 3] or straight RGBA [H, W, 4] as PNG. Equal images give equal bytes."""
    space = PngInfo()
    space.add(b"sRGB", b"\0")  # perceptual intent, the usual one
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, "PNG", compress_level=4, pnginfo=space)
    content = buffer.getvalue()
    if density is None:
        return content
    chunk = b"pHYs" + struct.pack(">IIB", *density)  # Pillow writes only densities that have a unit
    return b"".join(
        [content[:_HEADER], struct.pack(">I", 9), chunk, struct.pack(">I", crc32(chunk)), content[_HEADER:]]
    )


def encode_thumbnail(source: bytes, width: int, name: str = "") -> bytes:
    """Encode a small copy of a PNG, at most `width` (1 or more) pixels wide and never enlarged, as lossless WebP.

    Each pixel is the average of the area that it covers, so that thin lines fade but do not break. Transparency is
    composited over white. Lossless WebP is a fifth smaller than PNG for paintings and half its size for line art.
    Raises ImageError.
    """
    image = Image.fromarray(_over_white(source, name))
    scale = min(width / image.width, MAX_WEBP_SIDE / max(image.size))
    if scale < 1:
        width, height = (max(1, round(side * scale)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BOX)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", lossless=True, quality=20, method=2)  # more effort saves 6 % in three times the time
    return buffer.getvalue()


def _name(source: bytes | Path, name: str) -> str:
    return name or (str(source) if isinstance(source, Path) else "The image")


def _per_meter(per_inch: float) -> int:
    return round(float(per_inch) / 0.0254)


def _damaged(name: str, kind: str) -> ImageError:
    return ImageError(f"{name} is a damaged {kind}: export or send it again.")


def _unread(name: str, found: str) -> ImageError:
    return ImageError(f"{name} {found}: save it as {ACCEPTED}, in gray or RGB with 8 or 16 bits per channel.")


class _CountedReads(io.BytesIO):
    """A file in memory that can be read MAX_READS times. Raises ValueError after that."""

    _left = MAX_READS

    def read(self, size: int | None = -1, /) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise ValueError("The file has too many parts.")
        return super().read(size)


def _stream(source: bytes | Path) -> IO[bytes]:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _kind(source: bytes | Path, name: str) -> str:
    """Return the format of an image, one of FORMATS. Raises ImageError."""
    try:
        with _stream(source) as file:
            beginning = file.read(18)
            file.seek(-min(18, file.seek(0, io.SEEK_END)), io.SEEK_END)
            found = identify(beginning, file.read(), Path(name).suffix)
    except OSError as error:
        raise _unreadable(name, error) from error
    if found not in FORMATS:
        raise _unread(name, f"is a {found} file" if found else "is not an image that can be read")
    return found


def _unreadable(name: str, error: OSError) -> ImageError:
    return ImageError(f"{name} cannot be read ({error.strerror}): give an image that exists.")


def _open(source: bytes | Path, name: str, kind: str) -> Image.Image:
    try:
        image = Image.open(_CountedReads(source) if isinstance(source, bytes) else source, formats=(kind,))
    except UnidentifiedImageError as error:
        if kind == "TIFF":
            raise _unread(name, "is a TIFF file of an uncommon or damaged kind") from error
        raise _damaged(name, kind) from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name} has more than the {MAX_PIXELS:,} pixels accepted: export it smaller.") from error
    except OSError as error:
        if error.strerror is None:  # Pillow's own error: the file ends too early
            raise _damaged(name, kind) from error
        raise _unreadable(name, error) from error
    except _DAMAGE as error:  # in data before the pixels, such as a comment that unpacks to megabytes
        raise _damaged(name, kind) from error
    _check_size(name, *image.size)
    return image


def _exr_header(source: bytes | Path, name: str) -> Header:
    try:
        with _stream(source) as file:
            header = read_header(file)
    except DamagedExr as error:
        raise _damaged(name, "EXR") from error
    except ExrError as error:
        raise _unread(name, str(error)) from error
    _check_size(name, *header.size)
    if header.samples > MAX_SAMPLES:
        raise ImageError(
            f"{name} has {header.samples:,} values in its layers; at most {MAX_SAMPLES:,} are accepted: "
            "export fewer layers."
        )
    return header


def _check_size(name: str, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ImageError(f"{name} is {width}×{height}; at most {MAX_PIXELS:,} pixels are accepted: export it smaller.")


def _over_white(source: bytes | Path, name: str) -> np.ndarray:
    rgba = _loaded(source, name)
    paper = Image.new("RGBA", rgba.size, "white")
    return np.asarray(Image.alpha_composite(paper, rgba).convert("RGB"))


def _loaded(source: bytes | Path, name: str) -> Image.Image:
    """Decode an image as RGBA in sRGB, upright."""
    name = _name(source, name)
    kind = _kind(source, name)
    try:
        if kind == "EXR":
            header = _exr_header(source, name)
            with _stream(source) as file:
                return Image.fromarray(read_exr(file, header))
        image = _open(source, name, kind)
        if found := what_is_uncommon(image):
            raise _unread(name, found)
        orientation, info = _orientation(image), dict(image.info)
        cicp = _chunk(source, b"cICP") if kind == "PNG" else None
        if image.mode == "CMYK":
            image = cmyk_to_srgb(image, info.pop("icc_profile"))
        rgba = to_rgba(image)
        turn = _TURNS.get(orientation)
        return to_srgb(rgba if turn is None else rgba.transpose(turn), image.mode in GRAY, info, cicp)
    except ColorProfileError as error:
        raise ImageError(f"{name} has a color profile that cannot be used: convert it to sRGB.") from error
    except ImageError:
        raise
    except (*_DAMAGE, DamagedExr) as error:
        raise _damaged(name, kind) from error


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation that an image's header names, 1 for none. Reads no pixels."""
    if "exif" not in image.info and "Raw profile type exif" not in image.info:
        return 1
    return image.getexif().get(ExifTags.Base.Orientation, 1)


def _chunk(source: bytes | Path, kind: bytes) -> bytes | None:
    """The content of a PNG's chunk that comes before the pixels, or None."""
    with _stream(source) as file:
        file.seek(8)
        while len(head := file.read(8)) == 8:
            length, found = struct.unpack(">I4s", head)
            if found in (kind, b"IDAT"):
                return file.read(length) if found == kind else None
            file.seek(length + 4, io.SEEK_CUR)
    return None
