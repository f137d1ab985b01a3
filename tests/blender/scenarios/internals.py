# SPDX-License-Identifier: GPL-3.0-or-later
"""The internals that blender_addon/internals.py names, as they are in this Blender."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from benchmarks.blender.stage import extension, shot, strips_of


def found() -> dict[str, Any]:
    """Each of them as it is here."""
    internals = extension("internals")
    scene = shot()
    bpy.ops.render.render()
    answer = _elements(internals, scene)
    answer["preset operator"] = sorted({"remove_active"} - internals.PresetOperator.__annotations__.keys())
    folder = Path(bpy.utils.user_resource("SCRIPTS", path="presets")) / "longanimation"
    answer["preset files"] = []
    for remove in (False, True):
        bpy.ops.longanimation.add_preset(name="Kept", remove_name=remove)
        answer["preset files"].append(sorted(path.name for path in folder.glob("*.py")))
    answer["execute preset"] = _is_operator(*internals.EXECUTE_PRESET.split("."))
    answer["render result"] = internals.RENDER_RESULT in bpy.data.images
    answer["playback"] = _is_operator(*internals.PLAYBACK.lower().split("_ot_"))
    return answer


def _is_operator(space: str, name: str) -> bool:
    return name in dir(getattr(bpy.ops, space))


def _elements(internals: Any, scene: bpy.types.Scene) -> dict[str, Any]:
    scene.sequence_editor_create()
    strip = strips_of(scene).new_image("images", "/nowhere/a.png", 1, 1)
    (element,) = strip.elements
    memory = internals.StripElem.from_address(element.as_pointer())
    memory.orig_width, memory.orig_height = 48, 32
    memory = internals.memory_of(element)
    answer = [memory.filename.decode(), memory.orig_width, memory.orig_height] if memory else []
    if memory:
        memory.orig_width, memory.orig_height = 640, 480
    return {"element": answer, "written": [element.orig_width, element.orig_height]}
