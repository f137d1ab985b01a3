# SPDX-License-Identifier: GPL-3.0-or-later
"""A shot that is checked before it is sent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy

from benchmarks.blender.stage import extension, shot, strips_of

from .stage import described, sequencer_image, write_keyframe


def check(folder: str) -> dict[str, Any]:
    """Check six frames whose keyframe is painted at the wrong place; show the overlay and take it away again."""
    home = Path(folder)
    home.mkdir()
    scene = shot()
    scene.frame_start, scene.frame_end = 1, 6
    scene.frame_set(3)
    bpy.ops.longanimation.add_keyframe()
    keyframe = home / "keyframe_0003.png"
    write_keyframe(scene, 3, keyframe)
    push(keyframe, 12)
    bpy.ops.longanimation.load_keyframes(directory=folder, files=[{"name": keyframe.name}])
    bpy.ops.longanimation.check_shot()
    (entry,) = extension("take_manager").entries.values()
    inspection = entry.inspection
    answer: dict[str, Any] = {
        "state": entry.take.state,
        "problem": inspection.problem,
        "looked at": [inspection.done, inspection.total],
        "findings": [[one.severity, one.frame, str(one.sentence)] for one in inspection.findings],
    }
    bpy.ops.longanimation.show_overlay(job=entry.take.job)
    answer["overlay"] = [described(strip) for strip in strips_of(scene)]
    answer["sky"] = sequencer_image(scene, 4, home / "shown.png")[130, 20].tolist()
    bpy.ops.longanimation.show_overlay(job=entry.take.job)
    answer["taken away"] = len(strips_of(scene))
    bpy.ops.longanimation.show_overlay(job=entry.take.job)
    answer["fits"] = [one.frame for one in inspection.findings if one.fits]
    bpy.ops.longanimation.fit_keyframe(job=entry.take.job, frame=3)
    scene.longanimation.seed = 1
    bpy.ops.longanimation.check_shot()
    (again,) = extension("take_manager").entries.values()
    answer["folders"] = [entry.take.folder.is_dir(), again.take.folder.is_dir()]
    answer["numbers"] = [entry.take.number, again.take.number]
    answer["overlays left"] = len(strips_of(scene))
    answer["after fitting"] = [str(one.sentence) for one in again.inspection.findings if one.severity != "note"]
    bpy.ops.longanimation.jump_to_frame(job=again.take.job, frame=5)
    answer["frame"] = scene.frame_current
    return answer


def overlays(folder: str) -> dict[str, Any]:
    """The strips of a check after its take was sent, hidden, or is gone."""
    manager, home = extension("take_manager"), Path(folder)
    scene = shot()
    scene.frame_start, scene.frame_end = 1, 6
    scene.frame_set(3)
    bpy.ops.longanimation.add_keyframe()
    home.mkdir()
    write_keyframe(scene, 3, home / "keyframe_0003.png")
    push(home / "keyframe_0003.png", 12)
    bpy.ops.longanimation.load_keyframes(directory=folder, files=[{"name": "keyframe_0003.png"}])
    answer: dict[str, Any] = {}

    def checked() -> Any:
        bpy.ops.longanimation.check_shot()
        entry = [*manager.entries.values()][-1]
        bpy.ops.longanimation.show_overlay(job=entry.take.job)
        assert len(strips_of(scene)) > 1
        return entry

    job = checked().take.job
    frames = []
    for forward in (True, True, False):
        bpy.ops.longanimation.step_to_finding(job=job, forward=forward)
        frames.append(scene.frame_current)
    answer["steps"] = frames
    bpy.ops.longanimation.hide_take(job=job)
    answer["hidden"] = len(strips_of(scene))
    entry = checked()
    manager.entries.pop(entry.take.job)
    extension("handlers").restore_takes()
    answer["known"] = len(strips_of(scene)) > 1, entry.take.job in manager.entries
    manager.library().remove(entry.take.job)
    (entry.take.folder / "take.json").unlink()
    manager.entries.pop(entry.take.job)
    extension("handlers").restore_takes()
    answer["gone"] = len(strips_of(scene))
    entry = checked()
    manager.submit(replace(entry.take, job="another", server="http://127.0.0.1:9"))
    answer["sent"] = len(strips_of(scene))
    manager.detach()
    return answer


def push(path: Path, pixels: int) -> None:
    """Move an image's picture to the right; what comes in is white."""
    images = extension("png_pixels")
    picture = images.read_png(path)
    picture[:, pixels:] = picture[:, :-pixels].copy()
    picture[:, :pixels] = 255
    images.write_png(path, picture)
