# SPDX-License-Identifier: GPL-3.0-or-later
"""PNG files as Blender writes them."""

import struct
import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_IMAGE_CHUNKS = frozenset((b"IHDR", b"PLTE", b"IDAT", b"IEND"))


def without_metadata(content: bytes) -> bytes:
    """Return the PNG with nothing but its pixels.

    Blender writes the date, the frame number and the file's path into each image. Without them, equal drawings have
    equal bytes. This is how held drawings are found, and why a shot that is sent twice is uploaded once. It also keeps
    paths from leaving the computer.
    """
    return SIGNATURE + b"".join(chunk for kind, chunk in chunks(content) if kind in _IMAGE_CHUNKS)


def size_of(content: bytes) -> tuple[int, int]:
    """Return width and height in pixels."""
    width, height = struct.unpack_from(">II", content, 16)
    return width, height


def transparent(width: int, height: int) -> bytes:
    """Return a completely transparent PNG of this size in pixels."""
    header = struct.pack(">IIBBBBB", width, height, 1, 3, 0, 0, 0)  # one bit per pixel, with a palette
    rows = zlib.compress(bytes((1 + (width + 7) // 8) * height))
    parts = ((b"IHDR", header), (b"PLTE", bytes(3)), (b"tRNS", bytes(1)), (b"IDAT", rows), (b"IEND", b""))
    return SIGNATURE + b"".join(chunk(*part) for part in parts)


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk of this type, with length and checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield each chunk's type and its bytes, with length and checksum."""
    at = len(SIGNATURE)
    while at < len(content):
        (length,) = struct.unpack_from(">I", content, at)
        end = at + 12 + length
        yield content[at + 4 : at + 8], content[at:end]
        at = end
