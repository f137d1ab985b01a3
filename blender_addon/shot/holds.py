# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds frames that show the same drawing before they are rendered, if nothing but the drawings changes."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import bpy

from .. import compat
from .changes import datablocks
from .resolved_shot import ResolvedShot
from .scene_objects import drawings, line_pencils_of, pencils_of

_STILL_TYPES = {"ARMATURE", "CAMERA", "EMPTY", "GPENCIL", "GREASEPENCIL", "LATTICE", "LIGHT", "MESH"}
_STILL_MODIFIERS = {
    *("ARMATURE", "ARRAY", "BEVEL", "MIRROR", "SOLIDIFY", "SUBSURF"),
    *("GREASE_PENCIL_ARMATURE", "GREASE_PENCIL_ARRAY", "GREASE_PENCIL_COLOR", "GREASE_PENCIL_MIRROR"),
    *("GREASE_PENCIL_OFFSET", "GREASE_PENCIL_OPACITY", "GREASE_PENCIL_SIMPLIFY", "GREASE_PENCIL_SMOOTH"),
    *("GREASE_PENCIL_SUBDIV", "GREASE_PENCIL_THICKNESS", "GREASE_PENCIL_TINT"),
    *("GP_ARMATURE", "GP_ARRAY", "GP_COLOR", "GP_MIRROR", "GP_OFFSET", "GP_OPACITY", "GP_SIMPLIFY", "GP_SMOOTH"),
    *("GP_SUBDIV", "GP_THICK", "GP_TINT"),
}
"""Modifiers that have the same effect at every frame."""

_HANDLERS = (
    "frame_change_pre",
    "frame_change_post",
    "render_init",
    "render_pre",
    "depsgraph_update_pre",
    "depsgraph_update_post",
)
"""Handlers with which scripts could change the scene while it is rendered."""


def drawing_keys(shot: ResolvedShot) -> Callable[[int], Hashable]:
    """Return a function that maps a frame number to a key: equal keys mean equal line art."""
    sequence = shot.sequence
    if sequence is not None:
        return lambda frame: sequence.files[shot.drawn_at(frame)]
    return _keys(shot, line_pencils_of(shot.scene, shot.collection))


def background_keys(shot: ResolvedShot) -> Callable[[int], Hashable]:
    """Return a function that maps a frame number to a key: equal keys mean equal backgrounds."""
    drawn = drawings(shot.scene, shot.collection, shot.source)
    return _keys(shot, [item for item in pencils_of(shot.scene, None) if item not in drawn])


def _keys(shot: ResolvedShot, pencils: list[bpy.types.Object]) -> Callable[[int], Hashable]:
    if not _is_still(shot):
        return shot.drawn_at
    layers = [layer for pencil in {item.data for item in pencils} for layer in pencil.layers]
    return lambda frame: tuple(compat.key_at(layer, shot.drawn_at(frame)) for layer in layers)


def _is_still(shot: ResolvedShot) -> bool:
    """Tell whether nothing in the file changes except Grease Pencil drawings.

    The whole file is checked, because hidden objects and other scenes may move visible objects.
    """
    return not (
        any(getattr(bpy.app.handlers, name) for name in _HANDLERS)
        or shot.sequence is not None
        or any(marker.camera for marker in shot.scene.timeline_markers)
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
