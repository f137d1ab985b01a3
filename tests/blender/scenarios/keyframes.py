# SPDX-License-Identifier: GPL-3.0-or-later
"""Keyframes that are painted in Blender, or come from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np

from benchmarks.blender.stage import begin_export, extension, finish, shot, write_color

from .stage import image_pixels


def painted(folder: str) -> dict[str, Any]:
    """Paint frame 3 green all over, lines and all, save and open the file, and export it as a keyframe."""
    home = Path(folder)
    home.mkdir()
    scene = shot()
    scene.frame_set(3)
    bpy.ops.longanimation.paint_keyframe()
    (keyframe,) = scene.longanimation.keyframes
    image = keyframe.image
    answer: dict[str, Any] = {"frame": keyframe.frame, "size": list(image.size), "name": image.name}
    pixels = np.tile(np.array([0.0, 0.8, 0.4, 1.0], np.float32), image.size[0] * image.size[1])
    image.pixels.foreach_set(pixels)
    image.pack()
    bpy.ops.longanimation.paint_keyframe()
    answer["keyframes"] = len(scene.longanimation.keyframes)
    bpy.ops.wm.save_as_mainfile(filepath=str(home / "shot.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(home / "shot.blend"))
    scene = bpy.context.scene
    (keyframe,) = scene.longanimation.keyframes
    paintings = (extension("shot.painted_frame").PaintedFrame(keyframe.frame, keyframe.image),)
    take = finish(begin_export(scene, home / "take", range(1, 5), paintings=paintings))
    lines = image_pixels(take.lineart / "0003.png")
    result = image_pixels(take.keyframes / "0003.png")
    answer["off"] = int(np.abs(result - lines * np.array([0.0, 0.8, 0.4])).max())
    answer["has lines"] = bool(lines.min() < 40)
    return answer


def files(folder: str) -> dict[str, Any]:
    """Load keyframes from files whose names tell the frame, or do not; one is no image."""
    home = Path(folder)
    home.mkdir()
    scene = shot()
    scene.frame_set(9)
    scene.frame_end = 20
    for name in ("sc01_v2_0005.png", "walk_0006_paint_v2.png", "300_7.png", "take_3_4.png", "painted.png"):
        write_color(home / name, [10, 20, 30])
    (home / "notes_0007.txt").write_text("no image", encoding="utf-8")
    answer: dict[str, Any] = {"messages": []}
    for names in (
        ("sc01_v2_0005.png", "painted.png", "notes_0007.txt"),
        ("walk_0006_paint_v2.png",),
        ("300_7.png",),
        ("take_3_4.png",),
    ):
        try:
            bpy.ops.longanimation.load_keyframes(directory=folder, files=[{"name": name} for name in names])
        except RuntimeError as error:
            answer["messages"].append(str(error))
    answer["keyframes"] = [[one.frame, one.image.name] for one in scene.longanimation.keyframes]
    bpy.ops.longanimation.add_keyframe()
    answer["from the scene"] = [[one.frame, one.image is None] for one in scene.longanimation.keyframes]
    return answer
