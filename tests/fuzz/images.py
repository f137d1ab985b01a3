# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up images for the readers of `server.images.codec`."""

import io
import struct
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from hypothesis import strategies as st
from PIL import Image

from server.http.api.validation import look_at
from server.images import codec
from server.images.codec import MAX_PIXELS, ImageError

from .ledger import Ledger

SIGNATURE = b"\x89PNG\r\n\x1a\n"
READERS: tuple[Callable[[bytes], Any], ...] = (
    codec.read_painted,
    codec.read_rgba,
    codec.read_size,
    lambda content: codec.encode_thumbnail(content, 160),
    lambda content: look_at(content, "The image"),
)
NAMES = ("read_painted", "read_rgba", "read_size", "encode_thumbnail", "look_at")

Chunk = tuple[bytes, bytes]


def _saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _pictures() -> tuple[list[bytes], list[bytes]]:
    """Valid PNGs of every mode, and files of other formats."""
    pixels = np.random.default_rng(0).integers(0, 256, (9, 13, 4), np.uint8)
    rgba = Image.fromarray(pixels)
    pngs = [_saved(rgba.convert(mode)) for mode in ("1", "L", "LA", "P", "RGB", "RGBA")]
    pngs.append(_saved(Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)))
    pngs.append(_saved(rgba.convert("P"), transparency=3))
    pngs.append(_saved(rgba.convert("L"), transparency=3))
    pngs.append(_saved(rgba, save_all=True, append_images=[rgba.rotate(90), rgba.rotate(180)]))
    pngs.append(_saved(rgba, dpi=(300, 300), exif=Image.Exif(), icc_profile=bytes(200)))
    others = [_saved(rgba.convert("RGB"), kind) for kind in ("JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "ICO", "TGA")]
    return pngs, others


def _split(png: bytes) -> list[Chunk]:
    chunks, place = [], len(SIGNATURE)
    while place < len(png):
        (length,) = struct.unpack_from(">I", png, place)
        chunks.append((png[place + 4 : place + 8], png[place + 8 : place + 8 + length]))
        place += length + 12
    return chunks


def _join(chunks: list[Chunk]) -> bytes:
    sums = ((kind, content, zlib.crc32(kind + content)) for kind, content in chunks)
    return SIGNATURE + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc) for kind, content, crc in sums
    )


PNGS, OTHERS = _pictures()
KINDS = [b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"tEXt", b"zTXt"]
KINDS += [b"iTXt", b"bKGD", b"pHYs", b"tIME", b"eXIf", b"acTL", b"fcTL", b"fdAT", b"abcd", b"\0\0\0\0"]
BOMB = zlib.compress(bytes(3_000_000))
"""Bytes that unpack to a thousand times their length."""

_bytes = st.binary(max_size=60)
_side = st.one_of(st.integers(0, 40), st.sampled_from([6324, 6325, 65535, 2**31 - 1, 2**31, 2**32 - 1]))
_header = st.builds(
    lambda width, height, rest: struct.pack(">II", width, height) + bytes(rest),
    _side,
    _side,
    st.tuples(
        st.sampled_from([0, 1, 2, 4, 8, 16, 255]),
        st.sampled_from([0, 2, 3, 4, 6, 7]),
        st.integers(0, 1),
        st.integers(0, 1),
        st.integers(0, 2),
    ),
)
_packed = st.one_of(_bytes.map(zlib.compress), st.just(BOMB), _bytes)
_content = st.one_of(
    _bytes,
    _header,
    _packed,
    st.builds(lambda text, packed: b"key\0" + text + packed, st.sampled_from([b"", b"\0", b"\1\0\0\0"]), _packed),
    st.builds(struct.pack, st.just(">IIIIIHHBB"), *[_side] * 5, *[st.integers(0, 9)] * 2, *[st.integers(0, 3)] * 2),
)


@st.composite
def _rearranged(draw: st.DrawFn) -> bytes:
    """A PNG with some chunks changed, lost, doubled or new, and with valid checksums."""
    chunks = _split(draw(st.sampled_from(PNGS)))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(chunks)))
        match draw(st.sampled_from(["change", "cut", "header", "insert", "insert", "double", "lose"])):
            case "insert":
                chunks.insert(place, (draw(st.sampled_from(KINDS)), draw(_content)))
            case "header":
                chunks[0] = (b"IHDR", draw(_header))
            case step if place < len(chunks):
                kind, content = chunks[place]
                if step == "change":
                    chunks[place] = (kind, draw(_content))
                elif step == "cut":
                    chunks[place] = (kind, content[: draw(st.integers(0, len(content)))])
                elif step == "double":
                    chunks.insert(place, chunks[place])
                elif len(chunks) > 1:
                    del chunks[place]
    return _join(chunks)


@st.composite
def _damaged(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """A file with some bytes changed, inserted or lost anywhere, including in lengths and checksums."""
    content = bytearray(draw(whole))
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, len(content)))
        lost = draw(st.integers(0, 8) | st.just(len(content)))
        content[place : place + lost] = draw(st.binary(max_size=8))
    return bytes(content)


def contents() -> st.SearchStrategy[bytes]:
    """Files that a reader may get: whole, rearranged, damaged or huge PNGs, other formats, and noise."""
    png, other = st.sampled_from(PNGS), st.sampled_from(OTHERS)
    noise = st.binary(max_size=200)
    rare = [png, other, _damaged(other), noise, noise.map(lambda end: SIGNATURE + end)]
    common = [_rearranged(), _damaged(png), _damaged(_rearranged())]
    return st.integers(0, 9).flatmap(lambda which: rare[which] if which < len(rare) else common[which % len(common)])


def is_vast(content: bytes) -> bool:
    """Return whether a file is a PNG whose headers, one or several, all declare more pixels than are accepted."""
    sides = [part[:8] for part in content.split(b"IHDR")[1:] if len(part) >= 8]
    sizes = [width * height for width, height in (struct.unpack(">II", one) for one in sides)]
    return content.startswith(SIGNATURE) and bool(sizes) and min(sizes) > MAX_PIXELS


@dataclass
class Memory:
    """The peak memory of a call above the memory before it, in bytes; 0 if the system does not report it."""

    can_tell: bool = sys.platform == "linux"
    peak: int = 0

    def of(self, call: Callable[[], Any]) -> int:
        """Call and measure. Errors of the call are raised."""
        if not self.can_tell:
            call()
            return 0
        Path("/proc/self/clear_refs").write_text("5")  # resets the high-water mark
        before = psutil.Process().memory_info().rss
        try:
            call()
        finally:
            self.peak = self._mark() - before
        return self.peak

    def _mark(self) -> int:
        line = next(one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM"))
        return int(line.split()[1]) * 1024


class ImageFuzz:
    """Gives the readers files, and watches what they raise and how much memory they take.

    No file may take more than the largest painting that is accepted, and one that declares more pixels than that less
    than a byte for each that is accepted.
    """

    kind = "images"

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._memory = ledger, Memory()
        side = int(MAX_PIXELS**0.5)
        largest = _saved(Image.new("RGBA", (side, side)), compress_level=1)
        self.allowed = self._memory.of(lambda: codec.read_painted(largest))
        self.most = 0

    def strategy(self) -> st.SearchStrategy[tuple[int, bytes]]:
        """Readers and files."""
        return st.tuples(st.integers(0, len(READERS) - 1), contents())

    def send(self, case: tuple[int, bytes]) -> None:
        """Let a reader read a file."""
        which, content = case
        faults, outcome = [], "read"
        self._memory.peak = 0
        try:
            self._memory.of(lambda: READERS[which](content))
        except ImageError as error:
            outcome = "refused"
            if not str(error).endswith(".") or len(str(error)) > 300:
                faults.append("refuses with words that are no sentence")
        except Exception as error:
            outcome = type(error).__name__
            faults.append(f"{NAMES[which]} raises {outcome}")
        taken, vast = self._memory.peak, is_vast(content)
        if vast and outcome == "read":
            faults.append(f"{NAMES[which]} reads too many pixels")
        if taken > (MAX_PIXELS if vast else self.allowed):
            faults.append(f"{NAMES[which]} takes too much memory")
        self.most = max(self.most, taken)
        self._ledger.note(self.kind, outcome, faults, f"{NAMES[which]}(bytes.fromhex({content.hex()!r}))")
