# SPDX-License-Identifier: GPL-3.0-or-later
"""The formats of pictures that are read: the one list that the command line, the API, errors and documents use."""

from __future__ import annotations

FORMATS: dict[str, tuple[str, ...]] = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg"),
    "TIFF": (".tif", ".tiff"),
    "WebP": (".webp",),
    "BMP": (".bmp",),
    "TGA": (".tga",),
    "EXR": (".exr",),
}
"""The suffixes of each format."""

ACCEPTED = f"{', '.join(list(FORMATS)[:-1])} or {list(FORMATS)[-1]}"
"""The formats as a sentence lists them."""

SUFFIXES = {suffix: name for name, suffixes in FORMATS.items() for suffix in suffixes}
"""The format of each suffix."""

_BEGINNINGS = {
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"RIFF": "WebP",
    b"BM": "BMP",
    b"v/1\x01": "EXR",
    # Not read, but named in errors.
    b"GIF8": "GIF",
    b"8BPS": "Photoshop",
    b"%PDF": "PDF",
    b"SDPX": "DPX",
    b"XPDS": "DPX",
    b"\0\0\0\x0cjP": "JPEG 2000",
    b"II+\0": "BigTIFF",
    b"MM\0+": "BigTIFF",
    b"PK\3\4": "ZIP or Krita",
}
_TGA_END = b"TRUEVISION-XFILE.\0"


def identify(beginning: bytes, end: bytes, suffix: str) -> str:
    """Return the format of a file, also of some that are not read; "" if it is unknown.

    beginning, end: its first and last bytes, 18 of each or more. suffix: of its name, because only newer TGA files can
    be told by their content.
    """
    for start, name in _BEGINNINGS.items():
        if beginning.startswith(start):
            return name if name != "WebP" or beginning[8:12] == b"WEBP" else ""
    if beginning[4:8] == b"ftyp":
        return "AVIF" if beginning[8:12] == b"avif" else "HEIC"
    if end.endswith(_TGA_END) or suffix.lower() in FORMATS["TGA"]:
        return "TGA"
    return ""
