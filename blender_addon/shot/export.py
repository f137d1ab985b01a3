# SPDX-License-Identifier: GPL-3.0-or-later
"""A shot of a scene → its distinct drawings, its keyframes and the manifest that describes them."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from .. import png
from ..errors import ShotError
from ..shared.protocol import Finish, Keyframe, ProtocolError, Quality, ShotManifest
from ..shared.timing import expose
from ..takes.take import Take, address_of_file, frame_name, replace_folder
from . import keyframes, lineart
from .keyframes import PaintedFrame

_INK = 0.75
"""A drawing has a line when a pixel of it is darker than this (1 is white)."""


@dataclass(frozen=True)
class ShotOptions:
    """What to colour and how: the frames, the painted ones among them, and the settings sent along."""

    frames: range
    painted: tuple[PaintedFrame, ...]
    preset: str
    prompt: str
    seed: int
    finish: Finish
    quality: Quality = "final"


def export_steps(scene: bpy.types.Scene, options: ShotOptions, folder: Path) -> Generator[tuple[int, int], None, Take]:
    """Export a shot into `folder`, one image a step; yields (images done, images in all), returns the take.

    Between the steps the scene is set up for rendering: let nothing else change or save it until the generator has
    ended or was closed; then it is as the animator left it. Nothing is left in `folder` unless the export comes to its
    end. Raises ShotError, whose text says what to change in the scene.
    """
    _check(scene, options)
    folder.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".export-", dir=folder))
    total = len(options.frames) + len(options.painted)
    try:
        for name in ("lineart", "keyframes"):
            (work / name).mkdir()
        with lineart.rendering(scene, painted=False):
            for done, frame in enumerate(options.frames, start=1):
                path = work / "lineart" / frame_name(frame)
                lineart.render_frame(scene, frame, path)
                path.write_bytes(png.without_metadata(path.read_bytes()))
                yield done, total
        for done, keyframe in enumerate(options.painted, start=len(options.frames) + 1):
            keyframe.write(scene, work / "keyframes" / frame_name(keyframe.frame))
            yield done, total
        manifest = _describe(scene, options, work)
        for name in ("lineart", "keyframes"):
            replace_folder(work / name, folder / name)
    finally:
        shutil.rmtree(work)
    # An older result in the same folder does not belong to this take.
    shutil.rmtree(folder / "colored", ignore_errors=True)
    take = Take(folder, str(uuid.uuid4()), manifest)
    take.save()
    return take


def _check(scene: bpy.types.Scene, options: ShotOptions) -> None:
    if not options.frames:
        raise ShotError(
            f"The frame range {options.frames.start}..{options.frames.stop - 1} is empty: "
            "set the end at or after the start."
        )
    keyframes.check(options.painted, options.frames)
    if scene.camera is None:
        raise ShotError("The scene has no camera: add one and frame the shot with it.")
    if not lineart.pencils_of(scene):
        raise ShotError(
            "The scene has no Grease Pencil object that renders: draw the shot with Grease Pencil, "
            "or enable the object in renders."
        )


def _describe(scene: bpy.types.Scene, options: ShotOptions, work: Path) -> ShotManifest:
    """Find the distinct drawings among the exported images and describe the shot."""
    files = [work / "lineart" / frame_name(frame) for frame in options.frames]
    addresses = [address_of_file(path) for path in files]
    drawings = dict(zip(addresses, files, strict=True))
    if not any(_has_line(path) for path in drawings.values()):
        raise ShotError(
            "Every frame of the shot is white: check that the camera sees the drawings, that their materials show "
            "strokes, and that the lines are dark."
        )
    width, height = png.size_of(files[0].read_bytes())
    painted = [work / "keyframes" / frame_name(keyframe.frame) for keyframe in options.painted]
    for keyframe, path in zip(options.painted, painted, strict=True):
        size = png.size_of(path.read_bytes())
        if size != (width, height):
            raise ShotError(
                f"The image of keyframe {keyframe.frame} is {size[0]}×{size[1]} pixels, but the shot renders at "
                f"{width}×{height}: paint it at that size."
            )
    try:
        return ShotManifest(
            name=scene.name,
            frame_start=options.frames.start,
            fps=scene.render.fps / scene.render.fps_base,
            width=width,
            height=height,
            drawings=tuple(drawings),
            timing=expose(options.frames.start, addresses).drawing_of,
            keyframes=tuple(
                Keyframe(keyframe.frame, address_of_file(path))
                for keyframe, path in zip(options.painted, painted, strict=True)
            ),
            preset=options.preset,
            prompt=options.prompt,
            seed=options.seed,
            finish=options.finish,
            quality=options.quality,
        )
    except ProtocolError as error:
        raise ShotError(error.sentence) from error


def _has_line(path: Path) -> bool:
    image = bpy.data.images.load(str(path))
    try:
        pixels = np.empty(len(image.pixels), dtype=np.float32)
        image.pixels.foreach_get(pixels)
    finally:
        bpy.data.images.remove(image)
    return bool(pixels.min() < _INK)
