# SPDX-License-Identifier: GPL-3.0-or-later
"""The animator's operators, one file per noun. Each has a blocking path, for background use and for scripts."""

import bpy

from . import (
    batch,
    checks,
    color,
    connection,
    editors,
    fills,
    fix,
    keyframes,
    layers,
    library,
    palettes,
    presets,
    preview,
    queue,
    recolor,
    regions,
    repaint,
    sheets,
    takes,
)

_PARTS = (
    keyframes,
    sheets,
    connection,
    color,
    queue,
    takes,
    batch,
    preview,
    fix,
    checks,
    recolor,
    repaint,
    regions,
    fills,
    layers,
    palettes,
    library,
    presets,
    editors,
)
_CLASSES = tuple(kind for part in _PARTS for kind in part.CLASSES)


def register() -> None:
    """Register the operators with Blender."""
    for kind in _CLASSES:
        bpy.utils.register_class(kind)


def unregister() -> None:
    """Unregister the operators."""
    for kind in reversed(_CLASSES):
        bpy.utils.unregister_class(kind)
