# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a shot, one file per noun. They belong to the scene and are saved with it."""

import bpy

from . import batch, lineart, paint, sheet, shot

_CLASSES = tuple(kind for part in (lineart, paint, sheet, shot, batch) for kind in part.CLASSES)


def register() -> None:
    """Give every scene its shot settings."""
    for kind in _CLASSES:
        bpy.utils.register_class(kind)
    bpy.types.Scene.longanimation = bpy.props.PointerProperty(type=shot.LONGANIMATION_shot)
    bpy.types.Scene.longanimation_batch = bpy.props.PointerProperty(type=batch.LONGANIMATION_batch)


def unregister() -> None:
    """Remove the settings from the scenes."""
    del bpy.types.Scene.longanimation_batch
    del bpy.types.Scene.longanimation
    for kind in reversed(_CLASSES):
        bpy.utils.unregister_class(kind)
