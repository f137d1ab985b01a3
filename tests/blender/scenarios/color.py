# SPDX-License-Identifier: GPL-3.0-or-later
"""Shots colored in background Blender, where timers do not fire: `take_manager.wait` replaces them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import bpy

from benchmarks.blender.stage import extension, shot, strips_of
from server.demo.in_blender.extension import EXTENSION

from .stage import described


def color_shot(folder: str, server: str) -> dict[str, Any]:
    """Color six frames in every way there is in background Blender; tells which strips each way adds."""
    scene = _saved_shot(Path(folder), server)
    home = Path(folder)
    bpy.ops.longanimation.test_connection()
    bpy.ops.longanimation.add_keyframe()
    seen = 0
    answer: dict[str, Any] = {}

    def note(way: str) -> None:
        nonlocal seen
        strips = list(strips_of(scene))
        answer[way] = [described(strip) for strip in strips[seen:]]
        seen = len(strips)

    bpy.ops.longanimation.color_shot(directory=str(home / "take"))
    note("meta strip")
    scene.longanimation.layout = "strips"
    bpy.ops.longanimation.color_shot()
    note("two strips in the folder of the preferences")
    answer["status"] = extension("cli")._run(["colorize", "--directory", str(home / "terminal"), "--seed", "3"])
    note("terminal")
    for name in ("colored", "fills"):
        shutil.rmtree(home / "take" / name)
    strips_of(scene).remove(strips_of(scene)[0])
    seen -= 1
    extension("take_manager").entries.clear()
    bpy.ops.longanimation.open_take(directory=str(home / "take"))
    note("fetched")
    bpy.ops.wm.open_mainfile(filepath=str(home / "shot.blend"))
    answer["saved"] = len(strips_of(bpy.context.scene))
    return answer


def accept_errors(folder: str, server: str) -> dict[str, Any]:
    """Color a shot whose keyframe is transparent all over, without and with the setting and the argument for it."""
    home = Path(folder)
    scene = _saved_shot(home, server)
    bpy.ops.longanimation.add_keyframe()
    image = bpy.data.images.new("clear", 240, 135, alpha=True)
    image.pixels.foreach_set([0.0] * (4 * 240 * 135))
    scene.longanimation.keyframes[0].image = image
    answer: dict[str, Any] = {}
    try:
        bpy.ops.longanimation.color_shot()
    except RuntimeError as error:
        answer["refused"] = str(error)
    words = ["colorize", "--no-save", "--directory"]
    answer["terminal"] = [
        extension("cli")._run([*words, str(home / "without")]),
        extension("cli")._run([*words, str(home / "with"), "--accept-errors"]),
    ]
    answer["kept"] = scene.longanimation.accept_errors
    scene.longanimation.accept_errors = True
    answer["accepted"] = sorted(bpy.ops.longanimation.color_shot())
    return answer


def send(folder: str, server: str, seed: int, save: bool) -> str:
    """Send a shot whose second segment waits, and end when its first frames are here, as when Blender is closed and
    perhaps the file is not saved; returns the take's job."""
    scene = _saved_shot(Path(folder), server)
    scene.frame_end = 16
    bpy.ops.wm.save_mainfile()
    bpy.ops.longanimation.add_keyframe()
    scene.longanimation.prompt, scene.longanimation.seed = "wait", seed
    exporting, requests = extension("operators.export"), extension("operators.requests")
    *_, (_, _, take) = exporting.ExportsShots().export([requests.request_of(scene, Path(folder) / "take")])
    take_manager = extension("take_manager")
    take_manager.submit(take)
    for entry in take_manager.wait([take.job]):
        if entry.take.placed:
            break
    if save:
        bpy.ops.wm.save_mainfile()
    return take.job


def reopen(folder: str) -> dict[str, Any]:
    """Open the file of a shot that was sent in another Blender, and wait for its takes."""
    bpy.ops.wm.open_mainfile(filepath=str(Path(folder) / "shot.blend"))
    take_manager = extension("take_manager")
    extension("handlers").restore_takes()
    jobs = list(take_manager.entries)
    for _ in take_manager.wait(jobs):
        pass
    return {
        "takes": {job: take_manager.entries[job].take.state for job in jobs},
        "strips": [described(strip) for strip in strips_of(bpy.context.scene)],
    }


def _saved_shot(home: Path, server: str) -> bpy.types.Scene:
    scene = shot()
    scene.frame_end = 6
    home.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(home / "shot.blend"))
    bpy.context.preferences.addons[EXTENSION].preferences.server = server
    scene.frame_set(3)
    return scene
