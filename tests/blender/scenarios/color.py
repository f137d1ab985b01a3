# SPDX-License-Identifier: GPL-3.0-or-later
"""Shots coloured in every way there is in background Blender."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import bpy

from tests.demo.in_blender import EXTENSION

from .stage import extension, shot, strips_of


def color_shot(folder: str, server: str) -> dict[str, Any]:
    """Colour six frames in every way there is in background Blender; tells which strips each way adds."""
    scene = shot()
    scene.frame_end = 6
    home = Path(folder)
    home.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(home / "shot.blend"))
    bpy.context.preferences.addons[EXTENSION].preferences.server = server
    scene.frame_set(3)
    bpy.ops.longanimation.test_connection()
    bpy.ops.longanimation.add_keyframe()
    seen = 0
    answer: dict[str, Any] = {}

    def note(way: str) -> None:
        nonlocal seen
        strips = list(strips_of(scene))
        answer[way] = sorted(
            [strip.directory, strip.channel, strip.frame_final_start, strip.frame_final_end] for strip in strips[seen:]
        )
        seen = len(strips)

    bpy.ops.longanimation.color_shot(directory=str(home / "take"))
    note("operator")
    shutil.rmtree(home / "take" / "colored")
    bpy.ops.longanimation.fetch_take(directory=str(home / "take"))
    note("fetched")
    bpy.ops.longanimation.color_shot()
    note("folder of the preferences")
    answer["status"] = extension("cli")._run(["colorize", "--directory", str(home / "terminal"), "--seed", "3"])
    note("terminal")

    # Timers do not fire in the background: call what they would.
    monitor = extension("monitor")
    take = extension("takes.take").Take.load(home / "take")
    monitor.follow(
        extension("remote.session").Session(extension("preferences").make_client(), take, resume=True), scene
    )
    while monitor.takes and not isinstance(monitor.takes[0].latest, extension("remote.session").Failed):
        monitor._look()
        time.sleep(0.1)
    answer["failed"] = [running.latest.sentence for running in monitor.takes]
    note("monitor")
    bpy.ops.wm.open_mainfile(filepath=str(home / "shot.blend"))
    answer["saved"] = len(strips_of(bpy.context.scene))
    return answer
