# SPDX-License-Identifier: GPL-3.0-or-later
"""The elements of image strips: a file a frame, each with the size of its image."""

from __future__ import annotations

from collections.abc import Iterable
from ctypes import Structure, c_char, c_float, c_int

import bpy


class _StripElem(Structure):
    """An element as Blender has it in memory, alike in 4.2 to 5.2 (its source, DNA_sequence_types.h)."""

    _fields_ = (("filename", c_char * 256), ("orig_width", c_int), ("orig_height", c_int), ("orig_fps", c_float))


def append(strip: bpy.types.Strip, names: Iterable[str], width: int, height: int) -> None:
    """Add elements to an image strip that was just made, and let all know the size of their images, in pixels.

    Blender leaves the sizes of appended elements undefined until it has drawn them, and draws a picture of that size in
    the place of a file that is missing: gigabytes, or the end of Blender. Python cannot set them otherwise.
    """
    for name in names:
        strip.elements.append(name)
    for element in strip.elements:
        raw = _StripElem.from_address(element.as_pointer())
        told = (element.filename.encode(), element.orig_width, element.orig_height)
        if (raw.filename, raw.orig_width, raw.orig_height) != told:
            return  # a Blender that has them otherwise
        raw.orig_width, raw.orig_height, raw.orig_fps = width, height, 0.0
