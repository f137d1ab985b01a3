# SPDX-License-Identifier: GPL-3.0-or-later
"""Colors of a finished take, changed without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from benchmarks.blender.stage import extension, finished_take, shot, strips_of, with_placement

from .stage import described


def recolor(folder: str) -> dict[str, Any]:
    """List the palette of a take of flat colors, change one of them, and make the other take."""
    scene = shot()
    take = with_placement(finished_take(scene, Path(folder) / "take"), scene, start=3)
    take = take.changed(state="done", server="http://127.0.0.1:9")
    take_manager = extension("take_manager")
    take_manager.register(take)
    for _ in take_manager.wait([take.job]):
        pass
    answer: dict[str, Any] = {"nothing": _message()}
    bpy.ops.longanimation.read_palette(job=take.job)
    palette = scene.longanimation.palette
    answer["palette"] = [[*(round(255 * value) for value in paint.color), round(paint.share, 2)] for paint in palette]
    answer["unchanged"] = _message()
    palette[0].changed = (1.0, 0.0, 0.0)
    answer["old"] = answer["palette"][0][:3]
    bpy.ops.longanimation.recolor()
    made = list(take_manager.entries.values())[-1].take
    answer |= {
        "first": str(take.folder),
        "folder": str(made.folder),
        "state": made.state,
        "number": made.number,
        "note": made.note,
        "parent": made.manifest.parent == take.job,
        "strips": [[described(strip)["mute"], strip.name] for strip in strips_of(scene)],
    }
    return answer


def _message() -> str:
    try:
        bpy.ops.longanimation.recolor()
    except RuntimeError as error:
        return str(error)
    return ""
