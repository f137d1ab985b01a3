# SPDX-License-Identifier: GPL-3.0-or-later
"""The elements of image strips: one file per frame, each with its image size."""

from __future__ import annotations

from collections.abc import Iterable

import bpy

from ..internals import memory_of


def append(strip: bpy.types.Strip, names: Iterable[str], width: int, height: int) -> None:
    """Add elements to a new image strip, and set the image size of all its elements, in pixels.

    Blender leaves the size of an appended element undefined until it has drawn the element. If the file is missing, it
    draws a picture of that size, which can take gigabytes or crash Blender. Python has no other way to set the size.
    """
    for name in names:
        strip.elements.append(name)
    for element in strip.elements:
        memory = memory_of(element)
        if memory is None:
            return
        memory.orig_width, memory.orig_height, memory.orig_fps = width, height, 0.0
