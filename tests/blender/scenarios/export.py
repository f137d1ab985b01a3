# SPDX-License-Identifier: GPL-3.0-or-later
"""Shots exported, interrupted, and refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from benchmarks.blender.stage import begin_export, extension, finish, shot
from server.demo.in_blender.extension import EXTENSION
from tests.blender.settings import differences, settings_of

from .stage import json_of, odd_shot


def export(folder: str) -> dict[str, Any]:
    """Export eight frames of a scene whose settings are all odd; tells what differs afterwards."""
    scene = odd_shot()
    before = settings_of(scene)
    take = finish(begin_export(scene, Path(folder), range(1, 9)))
    return {"differences": differences(before, settings_of(scene)), "manifest": json_of(take.manifest)}


def large_keyframe(folder: str) -> list[int]:
    """Export a shot whose keyframe was painted at twice its size; tells the image's size afterwards."""
    scene = shot()
    image = bpy.data.images.new("large", 480, 270)
    image.pixels.foreach_set(
        [value for x in range(480 * 270) for value in ((1, 0, 0, 1), (0, 0, 1, 1))[x % 480 // 240]]
    )
    finish(begin_export(scene, Path(folder), range(1, 3), image=image))
    return list(image.size)


def float_keyframe(folder: str) -> bool:
    """Export a shot whose keyframe is an image of floats, half of it seen through; tells whether the PNG is so."""
    scene = shot()
    image = bpy.data.images.new("light", 240, 135, alpha=True, float_buffer=True)
    left, right = (0.5, 0.2, 0.0, 1.0), (0.0, 0.0, 0.0, 0.0)
    image.pixels.foreach_set([value for x in range(240 * 135) for value in (left, right)[x % 240 // 120]])
    take = finish(begin_export(scene, Path(folder), range(1, 3), image=image))
    alpha = extension("png_pixels").read_png(take.keyframes / "0001.png")[..., 3]
    return bool((alpha[:, :120] == 255).all() and (alpha[:, 120:] == 0).all())


def changing_paint(folder: str) -> dict[str, Any]:
    """Export six frames: the first drawing is held, and painted twice, in translucent red and blue; then all is hidden.
    Tells the manifest."""
    scene = shot()
    pencils = [item for item in scene.objects if item.type != "CAMERA"]
    for item in pencils:
        for frame, is_hidden in ((1, False), (5, True)):
            item.hide_render = is_hidden
            item.keyframe_insert("hide_render", frame=frame)
    scene.frame_set(1)
    paintings = []
    for frame, color in ((1, (1.0, 0.0, 0.0, 0.4)), (2, (0.0, 0.0, 1.0, 0.4))):
        image = bpy.data.images.new(f"paint {frame}", 240, 135, alpha=True)
        image.alpha_mode = "STRAIGHT"
        image.pixels.foreach_set([*color] * (240 * 135))
        paintings.append(extension("shot.painted_frame").PaintedFrame(frame, image))
    take = finish(begin_export(scene, Path(folder), range(1, 7), paintings=tuple(paintings)))
    return json_of(take.manifest)


def interrupted_exports(folder: str) -> dict[str, Any]:
    """An export that fails at its last image, and one that is abandoned in the middle."""
    scene = odd_shot()
    before = settings_of(scene)
    empty = bpy.data.images.new("unpainted", 1, 1)
    empty.source = "FILE"
    empty.filepath = "/nowhere/unpainted.png"
    answer: dict[str, Any] = {}
    try:
        finish(begin_export(scene, Path(folder), range(1, 5), image=empty))
    except extension("shared.errors").ShotError as error:
        answer["message"] = str(error)
    bpy.data.images.remove(empty)
    answer["after error"] = differences(before, settings_of(scene))
    steps = begin_export(scene, Path(folder), range(1, 9))
    next(steps), next(steps)
    answer["within"] = differences(before, settings_of(scene))
    steps.close()
    answer["after abandoning"] = differences(before, settings_of(scene))
    return answer


def bad_shots(folder: str) -> dict[str, str]:
    """The message for each shot that cannot be exported."""
    scene = shot()
    pencils = [item for item in scene.objects if item.type != "CAMERA"]
    camera = scene.camera

    def message(frames: range = range(1, 3), painted: tuple[int, ...] = (1,), **other: Any) -> str:
        try:
            finish(begin_export(scene, Path(folder), frames, painted, **other))
        except extension("shared.errors").ShotError as error:
            return str(error)
        return ""

    answers = {
        "no keyframe": message(painted=()),
        "keyframe outside": message(painted=(9,)),
        "empty range": message(frames=range(5, 5)),
        "unpainted": message(image=bpy.data.images.new("black", 240, 135)),
        "other size": message(image=bpy.data.images.new("small", 8, 8)),
    }
    scene.camera = None
    answers["no camera"] = message()
    scene.camera = camera
    camera.location.x += 1000
    answers["all white"] = message()
    camera.location.x -= 1000
    for item in pencils:
        item.hide_render = True
    answers["no drawing"] = message()
    answers["no server"] = _operator_error(scene, folder)
    bpy.context.preferences.addons[EXTENSION].preferences.server = "http://studio.example:7860"
    answers["offline"] = _operator_error(scene, folder)
    return answers


def _operator_error(scene: bpy.types.Scene, folder: str) -> str:
    try:
        bpy.ops.longanimation.color_shot(directory=folder)
    except RuntimeError as error:
        return str(error)
    return ""
