# SPDX-License-Identifier: GPL-3.0-or-later
"""The strips of a take, timed inside Blender."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from .stage import extension, finished_take, shot, strips_of, with_placement


def many_frames(folder: str, count: int) -> dict[str, Any]:
    """Place a take of many frames. Returns the frames that its strip covers, the seconds that it took, and the seconds
    that only two image strips of the same files took."""
    scene = shot()
    take = finished_take(scene, Path(folder))
    frames = [f"{frame:04d}.png" for frame in range(1, count + 1)]
    for layer in (take.colored, take.fills, take.lines):
        content = (layer / "0003.png").read_bytes()
        for name in frames:
            (layer / name).write_bytes(content)
    keyframe = replace(take.manifest.keyframes[0], frame=1)
    manifest = replace(
        take.manifest, frame_start=1, timing=(0,) * count, drawings=take.manifest.drawings[:1], keyframes=(keyframe,)
    )
    take = with_placement(replace(take, manifest=manifest), scene, start=1)

    begun = time.perf_counter()
    (meta,) = extension("sequencer.strips").place(scene, take)
    placed = time.perf_counter()
    for channel, layer in ((10, take.fills), (11, take.lines)):
        strip = strips_of(scene).new_image("plain", str(layer / frames[0]), channel, 1)
        for name in frames[1:]:
            strip.elements.append(name)
    ended = time.perf_counter()
    covered = extension("compat").strip_range(meta)
    return {
        "range": [covered.start, covered.stop],
        "seconds": placed - begun,
        "plain_seconds": ended - placed,
    }
