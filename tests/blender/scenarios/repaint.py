# SPDX-License-Identifier: GPL-3.0-or-later
"""A region of a take gets another color."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from benchmarks.blender.stage import extension, shot, strips_of

from .fills import placed_take

COLOR = (20, 200, 90)


def repaint(folder: str) -> dict[str, Any]:
    """Color a region of frame 5 from there on; and what cannot be colored."""
    scene = shot()
    scene.render.resolution_percentage = 25
    take = placed_take(scene, Path(folder))
    scene.frame_set(5)
    answer: dict[str, Any] = {"closed": _message(image="")}
    bpy.ops.longanimation.fix_frame()
    (image,) = [image for image in bpy.data.images if "longanimation_job" in image]
    before = _fills(take, 5)
    place = (before.shape[1] // 2, before.shape[0] - 4)
    old = before[place[1], place[0]].tolist()
    answer["message"] = _message(image=image.name, place=place, color=[level / 255 for level in COLOR], onward=True)
    take_manager = extension("take_manager")
    made = list(take_manager.entries.values())[-1].take
    changed = {}
    for frame in made.manifest.exposure.frames:
        first, second = (_fills(one, frame) for one in (take, made))
        moved = (first != second).any(axis=2)
        changed[frame] = [
            float(moved.mean()),
            bool((first[moved] == old).all()) and bool((second[moved] == COLOR).all()),
        ]
    return answer | {
        "changed": changed,
        "state": made.state,
        "keyframes": [keyframe.frame for keyframe in made.manifest.keyframes],
        "strips": len(strips_of(scene)),
        "again": _message(image=image.name, place=place, color=[level / 255 for level in old]),
        "takes": len(take_manager.entries),
    }


def _fills(take: Any, frame: int) -> Any:
    return extension("png_pixels").read_png(take.fills / f"{frame:04d}.png")[..., :3]


def _message(**arguments: Any) -> str:
    try:
        bpy.ops.longanimation.repaint_region(**arguments)
    except RuntimeError as error:
        return str(error)
    return ""
