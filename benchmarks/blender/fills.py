# SPDX-License-Identifier: GPL-3.0-or-later
"""Grease Pencil fills of a take in full HD, timed inside Blender."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy

from .stage import begin_export, extension, finish, flats, shot, with_placement

_DRAWN = range(1, 9)
"""The frames that are rendered, on twos; the take repeats their drawings."""


def many_drawings(folder: str, count: int) -> dict[str, float]:
    """Make fills from a take of `count` frames on twos. Returns the seconds until the drawings were traced, and those
    that drawing them took, for which the interface waits."""
    scene = shot()
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 1920, 1080, 100
    take = _repeated(scene, finish(begin_export(scene, Path(folder), _DRAWN)), count)
    tracing = extension("takes.tracing").Tracing(take, range(take.manifest.exposure.drawing_count))
    begun = time.perf_counter()
    tracing.start()
    shapes = tracing.result()
    traced = time.perf_counter()
    size = take.manifest.width, take.manifest.height
    frames = take.manifest.exposure.frames
    seen = extension("fills.projection").projections(scene, None, size, frames)
    drawings = extension("fills.drawings")
    places = [one for (one,) in seen]
    held = [*drawings.holds(take.manifest.exposure, dict(zip(frames, places, strict=True)))]
    looked = time.perf_counter()
    item = drawings.new_fills(scene, take, (0.0, 0.0, 0.0))
    drawings.draw(scene, item, held, {drawing: found for drawing, (found,) in shapes.items()})
    return {"trace": traced - begun, "camera": looked - traced, "draw": time.perf_counter() - looked}


def _repeated(scene: bpy.types.Scene, take: Any, count: int) -> Any:
    """A finished take of `count` frames on twos, each with a drawing of its own."""
    images = extension("png_pixels")
    pictures = []
    take.fills.mkdir()
    for frame in _DRAWN[::2]:
        path = take.folder / "truth.png"
        resolved = extension("shot.resolved_shot").resolve(scene, scene.longanimation.options())
        extension("shot.keyframes").write_keyframe(resolved, extension("shot.painted_frame").PaintedFrame(frame), path)
        drawn = take.lineart / f"{frame:04d}.png"
        line_art = extension("compositing").line_art_of(images.read_png(drawn))
        images.write_png(path, flats(images.read_png(path)[..., :3], line_art))
        pictures.append((path.read_bytes(), drawn.read_bytes()))
    for frame in range(1, count + 1, 2):
        fills, drawn = pictures[frame // 2 % len(pictures)]
        (take.fills / f"{frame:04d}.png").write_bytes(fills)
        (take.lineart / f"{frame:04d}.png").write_bytes(drawn)
    drawings = (count + 1) // 2
    keyframe = replace(take.manifest.keyframes[0], frame=1)
    manifest = replace(
        take.manifest,
        frame_start=1,
        timing=tuple(index // 2 for index in range(count)),
        drawings=tuple(f"{index:064x}" for index in range(drawings)),
        keyframes=(keyframe,),
    )
    return with_placement(replace(take, manifest=manifest), scene, start=1).changed(state="done")
