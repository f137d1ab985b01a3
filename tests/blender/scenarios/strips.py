# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes placed in the Sequencer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from .stage import begin_export, color_of, extension, finish, sequencer_pixel, shot, strips_of, write_color


def place_strips(folder: str) -> dict[str, Any]:
    """Place the same take twice on a timeline that is in use; tells where everything is and what it shows."""
    scene = shot()
    take = finish(begin_export(scene, Path(folder), range(3, 9), (5,)))
    missing = _place_error(scene, take)
    take.colored.mkdir()
    for frame in take.manifest.exposure.frames:
        write_color(take.colored / f"{frame:04d}.png", color_of(take.manifest.exposure.drawing_at(frame)))
    scene.sequence_editor_create()
    strips = strips_of(scene)
    for name, channel, start, length in (("edge", 2, 8, 5), ("before", 6, 1, 2), ("after", 7, 9, 4)):
        strip = strips.new_image(name, str(take.lineart / "0003.png"), channel, start)
        strip.frame_final_duration = length
    for _ in range(2):
        bpy.ops.longanimation.place_strips(directory=folder)
    placed = [
        {
            "name": strip.name,
            "channel": strip.channel,
            "range": [strip.frame_final_start, strip.frame_final_end],
            "files": [element.filename for element in strip.elements],
            "blend": strip.blend_type,
            "job": strip.get("longanimation_job"),
            "seed": strip.get("longanimation_seed"),
            "preset": strip.get("longanimation_preset"),
        }
        for strip in strips
        if "longanimation_job" in strip
    ]
    shown = {frame: sequencer_pixel(scene, frame, Path(folder) / "shown.png") for frame in (3, 5, 7)}
    wanted = {frame: color_of(take.manifest.exposure.drawing_at(frame)) for frame in shown}
    return {"missing": missing, "placed": placed, "job": take.job, "shown": shown, "wanted": wanted}


def _place_error(scene: bpy.types.Scene, take: Any) -> str:
    try:
        extension("sequencer.strips").place(scene, take)
    except extension("errors").ShotError as error:
        return str(error)
    return ""
