# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frames show the same drawing: known before they are rendered, where nothing but drawings changes."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import bpy

from .. import compat
from .changes import datablocks
from .source import LineArtOptions, pencils_of
from .view import uses_images

_STILL_TYPES = {"ARMATURE", "CAMERA", "EMPTY", "GPENCIL", "GREASEPENCIL", "LATTICE", "LIGHT", "MESH"}
_STILL_MODIFIERS = {
    *("ARMATURE", "ARRAY", "BEVEL", "MIRROR", "SOLIDIFY", "SUBSURF"),
    *("GREASE_PENCIL_ARMATURE", "GREASE_PENCIL_ARRAY", "GREASE_PENCIL_COLOR", "GREASE_PENCIL_MIRROR"),
    *("GREASE_PENCIL_OFFSET", "GREASE_PENCIL_OPACITY", "GREASE_PENCIL_SIMPLIFY", "GREASE_PENCIL_SMOOTH"),
    *("GREASE_PENCIL_SUBDIV", "GREASE_PENCIL_THICKNESS", "GREASE_PENCIL_TINT"),
    *("GP_ARMATURE", "GP_ARRAY", "GP_COLOR", "GP_MIRROR", "GP_OFFSET", "GP_OPACITY", "GP_SIMPLIFY", "GP_SMOOTH"),
    *("GP_SUBDIV", "GP_THICK", "GP_TINT"),
}
"""Modifiers that do the same at every frame."""

_HANDLERS = (
    "frame_change_pre",
    "frame_change_post",
    "render_init",
    "render_pre",
    "depsgraph_update_pre",
    "depsgraph_update_post",
)
"""Where scripts could change the scene as it is rendered."""


def drawing_keys(scene: bpy.types.Scene, options: LineArtOptions, first: int) -> Callable[[int], Hashable]:
    """Return a function of frame numbers: equal results mean equal line art, in a shot that begins at `first`."""
    if not _is_still(scene, options):
        return lambda frame: options.drawn_at(frame, first)
    layers = [layer for pencil in {item.data for item in pencils_of(scene, options)} for layer in pencil.layers]
    return lambda frame: tuple(compat.key_at(layer, options.drawn_at(frame, first)) for layer in layers)


def _is_still(scene: bpy.types.Scene, options: LineArtOptions) -> bool:
    """Tell whether nothing in the file changes but from one Grease Pencil drawing to the next.

    It is asked of the whole file: what is hidden, or in another scene, may move what is seen.
    """
    return not (
        any(getattr(bpy.app.handlers, name) for name in _HANDLERS)
        or uses_images(scene, options)
        or any(marker.camera for marker in scene.timeline_markers)
        or any(next(compat.curves_of(block), None) for block in datablocks())
        or any(image.source not in {"FILE", "GENERATED", "VIEWER"} for image in bpy.data.images)
        or len(bpy.data.movieclips)
        or len(bpy.data.cache_files)
        or not all(map(_stands_still, bpy.data.objects))
    )


def _stands_still(item: bpy.types.Object) -> bool:
    modifiers = [*item.modifiers, *(compat.pencil_modifiers(item) if compat.is_grease_pencil(item) else ())]
    return (
        item.type in _STILL_TYPES
        and all(modifier.type in _STILL_MODIFIERS for modifier in modifiers)
        and item.rigid_body is None
        and not any(constraint.type == "TRANSFORM_CACHE" for constraint in item.constraints)
    )
