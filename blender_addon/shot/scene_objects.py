# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the objects of a scene that its line art is made from."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import bpy

from .. import compat

_GEOMETRY = {"MESH", "CURVE", "SURFACE", "FONT", "META", "CURVES", "POINTCLOUD", "VOLUME", "GREASEPENCIL", "GPENCIL"}


FILLS = "longanimation_fills"
"""The custom property of an object with fills that were made from a take: the id of the take's job."""


def layer_name(layer: bpy.types.GreasePencilLayer) -> str:
    """The name of a layer, as the animator sees it."""
    return layer.info if hasattr(layer, "info") else layer.name


def pencils_of(scene: bpy.types.Scene, collection: bpy.types.Collection | None) -> list[bpy.types.Object]:
    """The Grease Pencil objects that a render of the scene shows: all, or those of a collection."""
    return [item for item in chosen(scene, collection) if compat.is_grease_pencil(item)]


def line_pencils_of(scene: bpy.types.Scene, collection: bpy.types.Collection | None) -> list[bpy.types.Object]:
    """Those of the same objects that may have lines: all but the fills that were made from takes."""
    return [item for item in pencils_of(scene, collection) if FILLS not in item]


def chosen(scene: bpy.types.Scene, collection: bpy.types.Collection | None) -> list[bpy.types.Object]:
    """The objects that a render of the scene shows, also by instances: all, or those of a collection."""
    among = None if collection is None else set(collection.all_objects)
    return list(_with_instances(item for item in rendered(scene) if among is None or item in among))


def drawings(scene: bpy.types.Scene, collection: bpy.types.Collection | None, source: str) -> list[bpy.types.Object]:
    """The objects that are colored: those of Grease Pencil, or, where meshes have the lines, all of the collection."""
    return pencils_of(scene, collection) if source in ("pencil", "images") else chosen(scene, collection)


def scenery(scene: bpy.types.Scene, among: Collection[bpy.types.Object]) -> list[bpy.types.Object]:
    """The visible objects of the scene, also in instances, other than these drawings."""
    return [item for item in chosen(scene, None) if item.type in _GEOMETRY and item not in among]


def left_out(scene: bpy.types.Scene, collection: bpy.types.Collection | None) -> list[bpy.types.Object]:
    """The visible objects of the scene that are not in the collection."""
    if collection is None:
        return []
    among = set(collection.all_objects)
    return [
        item
        for item in rendered(scene)
        if item not in among and (item.type in _GEOMETRY or item.instance_type != "NONE")
    ]


def rendered(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The objects of the scene that render in one of its view layers."""
    shown = {
        item: None
        for layer in scene.view_layers
        if layer.use
        for item in _shown_by(layer.layer_collection)
        if not item.hide_render
    }
    return list(shown)


def has_line_art(item: bpy.types.Object) -> bool:
    """Tell whether a Grease Pencil object draws lines of meshes with a Line Art modifier."""
    return any(one.show_render for one in line_art_modifiers(item))


def line_art_modifiers(item: bpy.types.Object) -> list[bpy.types.Modifier]:
    """The Line Art modifiers of a Grease Pencil object."""
    return [one for one in compat.pencil_modifiers(item) if one.type in {"LINEART", "GP_LINEART"}]


def _shown_by(branch: bpy.types.LayerCollection) -> Iterator[bpy.types.Object]:
    if branch.exclude or branch.collection.hide_render:
        return
    yield from branch.collection.objects
    for child in branch.children:
        yield from _shown_by(child)


def _with_instances(items: Iterator[bpy.types.Object]) -> dict[bpy.types.Object, None]:
    """The objects, and those of the collections that they instance, each once."""
    found: dict[bpy.types.Object, None] = {}
    waiting = list(items)
    while waiting:
        item = waiting.pop(0)
        if item in found:
            continue
        found[item] = None
        if item.instance_type == "COLLECTION" and item.instance_collection:
            waiting.extend(one for one in item.instance_collection.all_objects if not one.hide_render)
    return found
