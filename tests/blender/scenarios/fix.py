# SPDX-License-Identifier: GPL-3.0-or-later
"""A colored frame painted over, and the shot colored again from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np

from benchmarks.blender.stage import extension, shot, strips_of
from server.demo.in_blender.extension import EXTENSION

from .stage import described, json_of

RED = (220, 30, 40)


def fix(folder: str, server: str) -> dict[str, Any]:
    """Color eight frames, paint a corner of frame 7 red, and color again; then correct the same frame once more."""
    scene = shot()
    scene.frame_end = 8
    home = Path(folder)
    home.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(home / "shot.blend"))
    bpy.context.preferences.addons[EXTENSION].preferences.server = server
    scene.frame_set(1)
    bpy.ops.longanimation.add_keyframe()
    bpy.ops.longanimation.color_shot(directory=str(home / "first"))

    take_manager = extension("take_manager")
    answer: dict[str, Any] = {}
    scene.frame_set(7)
    bpy.ops.longanimation.fix_frame()
    (image,) = [image for image in bpy.data.images if "longanimation_job" in image]
    answer["packed"] = bool(image.packed_file)
    bpy.ops.longanimation.show_regions()
    bpy.ops.longanimation.show_regions()
    shown = [image.name for image in bpy.data.images if image.name.startswith("Regions")]
    answer["regions"] = [shown, list(bpy.data.images["Regions"].size)]
    _paint(image, RED)
    bpy.ops.longanimation.fix_frame()
    answer["images"] = len([image for image in bpy.data.images if "longanimation_job" in image])
    bpy.ops.longanimation.recolor_from_fix(image=image.name)
    _paint(image, (30, 40, 220))
    bpy.ops.longanimation.recolor_from_fix(image=image.name)
    answer["takes"] = [
        {
            "job": entry.take.job,
            "folder": str(entry.take.folder),
            "number": entry.take.number,
            "state": entry.take.state,
            "manifest": json_of(entry.take.manifest),
        }
        for entry in take_manager.entries.values()
    ]
    answer["keyframes"] = [
        [keyframe.frame, keyframe.image and keyframe.image.name] for keyframe in scene.longanimation.keyframes
    ]
    first = next(iter(take_manager.entries))
    scene.longanimation.keyframes.clear()
    bpy.ops.longanimation.use_settings(job=first)
    answer["settings"] = [[keyframe.frame, keyframe.image.size[:]] for keyframe in scene.longanimation.keyframes]
    answer["strips"] = [described(strip)["mute"] for strip in strips_of(scene)]
    return answer


def refused(folder: str) -> dict[str, str]:
    """What is said where there is nothing to fix."""
    shot()
    return {name: _message(name) for name in ("fix_frame", "recolor_from_fix", "show_regions")}


def _message(operator: str) -> str:
    try:
        getattr(bpy.ops.longanimation, operator)()
    except RuntimeError as error:
        return str(error)
    return ""


def _paint(image: bpy.types.Image, color: tuple[int, int, int]) -> None:
    """Paint the lower left corner of an image, as a brush would."""
    width, height = image.size
    pixels = np.empty(4 * width * height, np.float32)
    image.pixels.foreach_get(pixels)
    pixels.reshape(height, width, 4)[:20, :20] = (*(value / 255 for value in color), 1)
    image.pixels.foreach_set(pixels)
