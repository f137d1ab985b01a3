# SPDX-License-Identifier: GPL-3.0-or-later
"""The elements of image strips: a file a frame, each with the size of its image."""

from __future__ import annotations

from collections.abc import Iterable

import bpy

from ..internals import memory_of


def append(strip: bpy.types.Strip, names: Iterable[str], width: int, height: int) -> None:
    """Add elements to an image strip that was just made, and let all know the size of their images, in pixels.

    Blender leaves the sizes of appended elements undefined until it has drawn them, and draws a picture of that size in
    the place of a file that is missing: gigabytes, or the end of Blender. Python cannot set them otherwise.
    """
    for name in names:
        strip.elements.append(name)
    for element in strip.elements:
        memory = memory_of(element)
        if memory is None:
            return
        memory.orig_width, memory.orig_height, memory.orig_fps = width, height, 0.0
