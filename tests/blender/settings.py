# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything of a scene that an export may touch, as text that can be compared."""

from __future__ import annotations

from typing import Any

import bpy


def settings_of(scene: bpy.types.Scene) -> dict[str, str]:
    """Every property of everything that an export may touch, and the names of the datablocks."""
    found: dict[str, str] = {}
    _dump("scene", scene, found, deep=("render", "image_settings", "display", "shading", "view_settings",
                                       "display_settings", "grease_pencil_settings"))  # fmt: skip
    found["subframe"] = repr(scene.frame_subframe)
    for world in bpy.data.worlds:
        _dump(f"world {world.name}", world, found)
    for material in bpy.data.materials:
        _dump(f"material {material.name}", material.grease_pencil, found)
    for item in scene.objects:
        _dump(f"object {item.name}", item, found)
        found[f"modifiers of {item.name}"] = repr([modifier.name for modifier in item.modifiers])
        if item.type == "GPENCIL":
            found[f"old modifiers of {item.name}"] = repr([one.name for one in item.grease_pencil_modifiers])
        if item.type in {"GREASEPENCIL", "GPENCIL"}:
            for layer in item.data.layers:
                _dump(f"layer of {item.name}", layer, found)
    for kind in ("worlds", "images", "materials", "objects", "scenes", "meshes"):
        # Blender itself makes "Render Result" at the first render.
        names = [block.name for block in getattr(bpy.data, kind) if block.name != "Render Result"]
        found[kind] = repr(names)
    return found


def _dump(name: str, owner: Any, found: dict[str, str], deep: tuple[str, ...] = ()) -> None:
    for item in owner.bl_rna.properties:
        value = getattr(owner, item.identifier)
        if item.identifier in deep:
            _dump(f"{name}.{item.identifier}", value, found, deep)
        elif item.type in {"BOOLEAN", "INT", "FLOAT", "STRING", "ENUM"} and item.identifier != "is_evaluated":
            plain = getattr(item, "is_array", False)
            found[f"{name}.{item.identifier}"] = repr([*map(str, value)] if plain else value)
        elif item.type == "POINTER":
            found[f"{name}.{item.identifier}"] = repr(getattr(value, "name", None))


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """What changed between two results of `settings_of`, a line each."""
    names = sorted({*before, *after})
    changed = [name for name in names if before.get(name) != after.get(name)]
    return [f"{name}: {before.get(name)} → {after.get(name)}" for name in changed]
