# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of pixels in files that Pillow opens: which are read, and what they are as RGBA."""

from __future__ import annotations

from itertools import count

import numpy as np
from PIL import Image

DEEP_GRAY = ("I;16", "I;16B", "I;16L", "I;16N")
"""Pillow's names for 16-bit gray."""
GRAY = ("1", "L", "LA", *DEEP_GRAY)
_MODES = (*GRAY, "P", "PA", "RGB", "RGBA", "CMYK")

_SUBFILE_TYPE, _PHOTOMETRIC = 254, 262  # TIFF's tags
_MOST_PAGES = 16
"""In a TIFF file, so many small copies of the picture are looked at."""
_SCALES = {"L;2": 85, "L;4": 17}
"""What Pillow multiplies gray of 2 and 4 bits by."""


def what_is_uncommon(image: Image.Image) -> str:
    """Say why an opened image is not read, as the end of a sentence; "" if it is. Reads no pixels."""
    if not _is_single(image):
        return "has several pictures, give each a file of its own"
    if image.mode == "CMYK" and not image.info.get("icc_profile"):
        return "has colors for print (CMYK), and no profile that says which they are"
    return "" if image.mode in _MODES else f"has pixels of the kind {image.mode}"


def to_rgba(image: Image.Image) -> Image.Image:
    """Decode an image as RGBA, 8 bits a channel."""
    if "transparency" in image.info and image.format == "PNG":
        image.info["transparency"] = _scaled(image.info["transparency"], image)
    image.load()
    # The conversion detects a transparency that does not fit the palette.
    return _from_deep_gray(image) if image.mode in DEEP_GRAY else image.convert("RGBA")


def _is_single(image: Image.Image) -> bool:
    if image.format != "TIFF":  # a phone's photograph may be an MPO, whose other pictures are copies
        return image.format == "MPO" or getattr(image, "n_frames", 1) == 1
    for page in count(1):
        try:
            image.seek(page)
        except EOFError:
            break
        is_copy = image.tag_v2.get(_SUBFILE_TYPE, 0) & 1  # type: ignore[attr-defined]
        if page > _MOST_PAGES or not is_copy:
            return False
    image.seek(0)
    return True


def _scaled(transparency: object, image: Image.Image) -> object:
    """Scale the transparent level of gray as Pillow scales the pixels, but not that level."""
    kind = image.tile[0][3]  # type: ignore[attr-defined]
    return transparency * _SCALES.get(kind, 1) if isinstance(transparency, int) else transparency


def _from_deep_gray(image: Image.Image) -> Image.Image:
    """Convert 16-bit gray, which Pillow would clip at 255 instead of scaling it."""
    levels = np.asarray(image).astype(np.uint16)
    if image.format == "TIFF" and image.tag_v2.get(_PHOTOMETRIC) == 0:  # type: ignore[attr-defined]
        levels = 65535 - levels  # 0 is white, which Pillow heeds only in 8 bits
    rgba = Image.fromarray((levels // 257).astype(np.uint8)).convert("RGBA")
    if "transparency" in image.info:
        rgba.putalpha(Image.fromarray(np.where(levels == image.info["transparency"], 0, 255).astype(np.uint8)))
    return rgba
