# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything in the open file except its geometry, as text that can be compared."""

from __future__ import annotations

from typing import Any

import bpy

_MASS = ("MeshVertex", "MeshEdge", "MeshLoop", "MeshPolygon", "MeshLoopTriangle", "GreasePencilDrawing")
"""What a file has thousands of, and an export never touches."""

_RUNTIME = {
    *("bindcode", "bl_rna", "bound_box", "depsgraph", "dimensions", "is_evaluated", "is_updated", "pixels", "preview"),
    *("orig_height", "orig_width", "rna_type", "tag", "tool_settings", "cache_final_size", "cache_raw_size"),
}
"""What Blender itself changes as it renders, or shows strips; and the brushes, of which not all can be read in 4.2."""

_AVAILABLE = {"enabled", "is_icon_visible", "is_unavailable"}
"""Of the compositor's sockets: which of them there is a pass for in what was rendered last."""

_LAZY = {"cycles", "cycles_curves", "cycles_custom", "cycles_visibility", "longanimation", "longanimation_batch"}
"""Settings of add-ons, which are stored once somebody asks for them; what they hold is compared, too."""

_WINDOWS = {"all_ids", "screens", "window_managers", "workspaces"}
"""What belongs to the interface, or is there under another name."""


def settings_of(scene: bpy.types.Scene) -> dict[str, str]:
    """Every property of every datablock, by its path; and which datablocks there are."""
    found: dict[str, str] = {"frame": f"{scene.frame_current} {scene.frame_subframe}"}
    for kind in bpy.data.bl_rna.properties:
        if kind.type != "COLLECTION" or kind.identifier in _WINDOWS:
            continue
        # Blender itself makes "Render Result" at the first render.
        blocks = [block for block in getattr(bpy.data, kind.identifier) if block.name != "Render Result"]
        found[kind.identifier] = repr([(block.name, block.library and block.library.name) for block in blocks])
        for block in blocks:
            library = f"{block.library.name}:" if block.library else ""
            _dump(f"{kind.identifier} {library}{block.name}", block, found, set())
    result = bpy.data.images.get("Render Result")
    found["render slot"] = str(result.render_slots.active_index if result else 0)
    return found


def _dump(path: str, owner: Any, found: dict[str, str], seen: set[int]) -> None:
    place = (owner.as_pointer(), owner.bl_rna.identifier)
    if place in seen or isinstance(owner, bpy.types.Attribute) or owner.bl_rna.identifier in _MASS:
        return
    seen.add(place)
    if isinstance(owner, bpy.types.ID):
        found[f"{path}[]"] = repr(sorted(set(owner.keys()) - _LAZY))
    for item in owner.bl_rna.properties:
        if item.identifier in _RUNTIME or (isinstance(owner, bpy.types.NodeSocket) and item.identifier in _AVAILABLE):
            continue
        try:
            value = getattr(owner, item.identifier)
        except (AttributeError, TypeError, ValueError):  # one that this kind of strip or node does not have
            continue
        name = f"{path}.{item.identifier}"
        if item.type == "POINTER":
            found[name] = getattr(value, "name", "") if isinstance(value, bpy.types.ID) else str(value is None)
            if value is not None and (not isinstance(value, bpy.types.ID) or value.is_embedded_data):
                _dump(name, value, found, seen)
        elif item.type == "COLLECTION":
            found[f"{name}[]"] = str(len(value))
            for index, one in enumerate(value):
                if isinstance(one, bpy.types.ID):
                    found[f"{name}[{index}]"] = one.name
                elif one is not None:
                    _dump(f"{name}[{index}]", one, found, seen)
        else:
            found[name] = repr([*map(str, value)] if getattr(item, "is_array", False) else value)


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """What changed between two results of `settings_of`, a line each."""
    names = sorted({*before, *after})
    changed = [name for name in names if before.get(name) != after.get(name)]
    return [f"{name}: {before.get(name)} → {after.get(name)}" for name in changed]
