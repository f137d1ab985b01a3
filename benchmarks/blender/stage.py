# SPDX-License-Identifier: GPL-3.0-or-later
"""Helpers of functions inside Blender: the demo's shot, its export, and the extension's functions."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import numpy as np

from server.demo.in_blender import scene as cartoon_scene
from server.demo.in_blender.extension import EXTENSION

FRAMES = range(3, 9)
"""The frames of a take that is finished without a server."""


def extension(name: str) -> ModuleType:
    """A module of the installed extension."""
    return importlib.import_module(f"{EXTENSION}.{name}")


def strips_of(scene: bpy.types.Scene) -> Any:
    """The top-level strips of a scene."""
    editor = scene.sequence_editor
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def shot() -> bpy.types.Scene:
    """The demo's shot at a quarter of its size."""
    scene = cartoon_scene.build()
    scene.render.resolution_percentage = 25
    return scene


def begin_export(
    scene: bpy.types.Scene,
    folder: Path,
    frames: range,
    painted: tuple[int, ...] = (1,),
    image: bpy.types.Image | None = None,
    paintings: tuple[Any, ...] = (),
) -> Any:
    """The steps of an export of `frames` into `folder`, with the keyframes `paintings`, or with those of the scene (or
    of one image) at the frames `painted`."""
    paintings = paintings or tuple(extension("shot.painted_frame").PaintedFrame(frame, image) for frame in painted)
    options = extension("shot.options").ShotOptions(frames, paintings, "tiny", "", 7, "flats")
    return extension("shot.export").export_steps(scene, options, folder)


def finish(steps: Any) -> Any:
    """Run an export to its end. Returns the take."""
    try:
        while True:
            next(steps)
    except StopIteration as end:
        return end.value


def color_of(drawing: int) -> list[int]:
    """A color that only this drawing has."""
    return [40 + 60 * drawing, 200 - 50 * drawing, 90]


def write_color(path: Path, color: list[int]) -> None:
    """Write a PNG of one color."""
    image = bpy.data.images.new("flat", 240, 135)
    image.pixels.foreach_set(np.tile(np.array([*color, 255], np.float32) / 255, 240 * 135))
    image.file_format = "PNG"
    image.save(filepath=str(path))
    bpy.data.images.remove(image)


def finished_take(scene: bpy.types.Scene, folder: Path, shift: int = 0) -> Any:
    """A take of six frames on twos. Its frames are flat colors, and its lines are blue."""
    take = finish(begin_export(scene, folder, FRAMES, (5,)))
    write_lines(take, [0, 0, 255])
    for layer in (take.colored, take.fills):
        layer.mkdir()
        for frame in FRAMES:
            color = color_of(take.manifest.exposure.drawing_at(frame) + shift)
            write_color(layer / f"{frame:04d}.png", color)
    return take


def write_lines(take: Any, color: list[int]) -> None:
    """Write the lines of a take's line art in one color, as the server does."""
    images, compositing = extension("png_pixels"), extension("compositing")
    take.lines.mkdir()
    for frame in take.manifest.exposure.frames:
        line_art = compositing.line_art_of(images.read_png(take.lineart / f"{frame:04d}.png"))
        lines = np.zeros((*line_art.shape, 4), np.uint8)
        lines[..., 3] = 255 - line_art
        lines[line_art < 255, :3] = color
        images.write_png(take.lines / f"{frame:04d}.png", lines)


def flats(truth: np.ndarray, line_art: np.ndarray) -> np.ndarray:
    """The colors of the regions between lines, which grow into the lines until they meet."""
    regions = extension("shared.checks.regions").find_regions(line_art >= 224)
    labels = regions.labels.copy()
    colors = np.zeros((regions.count, 3), np.uint8)
    for label in range(1, regions.count):
        values, counts = np.unique(truth[labels == label], axis=0, return_counts=True)
        colors[label] = values[counts.argmax()]
    while not labels.all():
        grown = labels
        for step, axis in ((1, 0), (-1, 0), (1, 1), (-1, 1)):
            moved = np.roll(labels, step, axis)
            moved[_edge(step, axis)] = 0
            grown = np.where(grown == 0, moved, grown)
        labels = grown
    return colors[labels]


def _edge(step: int, axis: int) -> tuple[slice, ...]:
    edge = slice(0, 1) if step > 0 else slice(-1, None)
    return (edge,) if axis == 0 else (slice(None), edge)


def with_placement(take: Any, scene: bpy.types.Scene, start: int, layout: str = "meta") -> Any:
    """The take with the position of its strips."""
    placement = extension("takes.take").Placement(extension("blend_file").name(), scene.name, start, layout)
    return replace(take, placement=placement)
