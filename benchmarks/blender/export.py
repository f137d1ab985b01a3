# SPDX-License-Identifier: GPL-3.0-or-later
"""The export of a shot, timed inside Blender."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import bpy

from .stage import begin_export, finish, shot


def export_times(folder: str, height: int, frames: int) -> dict[str, Any]:
    """Return the seconds of an export, of plain renders of the same frames in between, and of exports with and without
    holds."""
    home = Path(folder)
    scene = shot()
    scene.render.resolution_percentage = round(100 * height / scene.render.resolution_y)
    steps = begin_export(scene, home / "warm", range(1, 2))
    next(steps)
    steps.close()  # the shaders are compiled now
    bpy.data.objects["Girl"].keyframe_insert("location", frame=1)  # so that every frame is rendered
    shown = range(1, 1 + frames)
    steps = begin_export(scene, home / "take", shown)
    exported = plain = 0.0
    for frame in shown:
        exported += _seconds(lambda: next(steps))
        plain += _seconds(partial(_plain_render, scene, frame, home / "plain.png"))
    keyframe = _seconds(partial(next, steps))
    exported += _seconds(lambda: finish(steps))
    bpy.data.objects["Girl"].animation_data_clear()
    moving = exported + keyframe
    held = _seconds(lambda: finish(begin_export(scene, home / "held", shown)))
    return {"blender": bpy.app.version_string, "export": exported, "plain": plain, "moving": moving, "held": held}


def _plain_render(scene: bpy.types.Scene, frame: int, path: Path) -> None:
    scene.frame_set(frame)
    before, scene.render.filepath = scene.render.filepath, str(path)
    bpy.ops.render.render(write_still=True)
    scene.render.filepath = before


def _seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
