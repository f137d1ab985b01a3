# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports a shot of a scene: its distinct drawings, its keyframes and the manifest that describes them."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Callable, Generator, Hashable
from functools import partial
from pathlib import Path
from typing import TypeVar

import bpy
import numpy as np

from .. import png
from ..compositing import line_art_of
from ..png_pixels import read_png
from ..shared.checks.flaws import check_painting
from ..shared.errors import ShotError
from ..shared.manifest import Keyframe, ShotManifest
from ..shared.protocol import ProtocolError
from ..shared.timing import expose
from ..shared.translatable_text import TranslatableText
from ..takes.layers import FOLDER as LAYERS
from ..takes.take import RECORD, Take, address_of_file, frame_name, replace_folder, sheet_name
from . import keyframes, sheets
from .fill_materials import paints_of
from .holds import background_keys, drawing_keys
from .line_art import line_art
from .options import ShotOptions
from .rendering import render_frame, rendering
from .resolved_shot import ResolvedShot, resolve

_Drawn = TypeVar("_Drawn")

_INK = 243 / 255
"""A drawing has a line if any of its pixels is darker than this (1 is white), as on the server."""


def export_steps(scene: bpy.types.Scene, options: ShotOptions, folder: Path) -> Generator[tuple[int, int], None, Take]:
    """Export a shot to `folder`, one image per step; yields (images done, total images), returns the take.

    Between steps, the scene is set up for rendering. Nothing else may change or save it until the generator has ended
    or was closed. Then the scene is as the animator left it. The export adds files to `folder` only if it finishes.
    Raises ShotError, whose text says what to change in the scene.
    """
    _check(options)
    shot = resolve(scene, options)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".export-", dir=folder))
    except OSError as error:
        raise _unwritable(folder, error) from error
    total = len(shot.frames) * (2 if shot.keep_background else 1) + len(shot.painted)
    try:
        for name in ("lineart", "keyframes", *(["sheets"] if shot.sheets else [])):
            (work / name).mkdir()
        for index, image in enumerate(shot.sheets):
            sheets.write_sheet(image, work / "sheets" / sheet_name(index))
        addresses = yield from _draw(shot, work / "lineart", total)
        for done, keyframe in enumerate(shot.painted, start=len(shot.frames) + 1):
            keyframes.write_keyframe(shot, keyframe, work / "keyframes" / frame_name(keyframe.frame))
            yield done, total
        if shot.keep_background:
            (work / "background").mkdir()
            yield from _draw_background(shot, work / "background", total)
        manifest = _describe(shot, work, addresses)
        # The results of an older take in the same folder do not belong to this one.
        (folder / RECORD).unlink(missing_ok=True)
        for name in ("colored", "fills", "lines", "background", "sheets", LAYERS):
            shutil.rmtree(folder / name, ignore_errors=True)
        for ready in [path for path in work.iterdir() if path.is_dir()]:
            replace_folder(ready, folder / ready.name)
        take = Take(folder, str(uuid.uuid4()), manifest, has_lines=True, palette=paints_of(shot.scene))
        take.save()
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return take


def _draw(shot: ResolvedShot, folder: Path, total: int) -> Generator[tuple[int, int], None, list[str]]:
    """Write the line art of each frame, as in `export_steps`; returns the address of each frame's image."""
    with line_art(shot) as write:

        def draw(frame: int, path: Path) -> str:
            write(frame, path)
            return address_of_file(path)

        return (yield from _write_distinct(shot, folder, drawing_keys(shot), draw, 0, total))


def _draw_background(shot: ResolvedShot, folder: Path, total: int) -> Generator[tuple[int, int], None, None]:
    """Write the scene's own background of each frame, as in `export_steps`."""
    with rendering(shot, "background"):
        draw = partial(render_frame, shot.scene)
        yield from _write_distinct(shot, folder, background_keys(shot), draw, total - len(shot.frames), total)


def _write_distinct(
    shot: ResolvedShot,
    folder: Path,
    key_of: Callable[[int], Hashable],
    draw: Callable[[int, Path], _Drawn],
    before: int,
    total: int,
) -> Generator[tuple[int, int], None, list[_Drawn]]:
    """Write an image of each frame, as in `export_steps`: one that has the key of an earlier one is copied.

    draw: writes the image of a frame to a file. before: number of images that were done before. Returns what `draw`
    returned for each frame.
    """
    drawn: dict[Hashable, tuple[Path, _Drawn]] = {}
    results = []
    for done, frame in enumerate(shot.frames, start=before + 1):
        path, key = folder / frame_name(frame), key_of(frame)
        if key in drawn:
            shutil.copyfile(drawn[key][0], path)
        else:
            drawn[key] = path, draw(shot.drawn_at(frame), path)
        results.append(drawn[key][1])
        yield done, total
    return results


def _unwritable(folder: Path, error: OSError) -> ShotError:
    return ShotError(
        TranslatableText(
            "The shot could not be written to {folder} ({reason}): free up space there, "
            "or choose a writable output folder in the extension's preferences.",
            folder=folder,
            reason=error.strerror,
        )
    )


def _check(options: ShotOptions) -> None:
    if not options.frames:
        raise ShotError(
            TranslatableText(
                "The frame range {first}..{last} is empty: set the end at or after the start.",
                first=options.frames.start,
                last=options.frames.stop - 1,
            )
        )
    keyframes.check(options.painted, options.frames)
    sheets.check(options.sheets)


def _describe(shot: ResolvedShot, work: Path, addresses: list[str]) -> ShotManifest:
    """Find the distinct drawings among the exported images and describe the shot."""
    files = [work / "lineart" / frame_name(frame) for frame in shot.frames]
    exposure = expose(shot.frames.start, addresses, {keyframe.frame for keyframe in shot.painted})
    first = [exposure.first_frame_of(drawing) - shot.frames.start for drawing in range(exposure.drawing_count)]
    if not any(_has_line(files[index]) for index in first):
        raise ShotError(
            TranslatableText(
                "Every frame of the shot is white: check that the camera sees the drawings, that their materials show "
                "strokes, and that the lines are dark."
            )
        )
    width, height = png.size_of(files[0].read_bytes())
    painted = [work / "keyframes" / frame_name(keyframe.frame) for keyframe in shot.painted]
    for keyframe, path in zip(shot.painted, painted, strict=True):
        size = png.size_of(path.read_bytes())
        if size != (width, height):
            raise ShotError(
                TranslatableText(
                    "The image of keyframe {frame} is {size} pixels, but the shot renders at {wanted}: "
                    "paint it at that size, or at a multiple of it.",
                    frame=keyframe.frame,
                    size=f"{size[0]}×{size[1]}",
                    wanted=f"{width}×{height}",
                )
            )
        if not shot.accept_errors:
            _require_paint(keyframe.frame, path, work / "lineart" / frame_name(keyframe.frame))
    try:
        return ShotManifest(
            name=shot.scene.name,
            frame_start=shot.frames.start,
            fps=shot.scene.render.fps / shot.scene.render.fps_base,
            width=width,
            height=height,
            drawings=tuple(addresses[index] for index in first),
            timing=exposure.drawing_of,
            keyframes=tuple(
                Keyframe(keyframe.frame, address_of_file(path))
                for keyframe, path in zip(shot.painted, painted, strict=True)
            ),
            preset=shot.preset,
            prompt=shot.prompt,
            seed=shot.seed,
            finish=shot.finish,
            quality=shot.quality,
            accept_errors=shot.accept_errors,
            palette=tuple(swatch.color for swatch in paints_of(shot.scene)),
            traces=shot.traces,
            trace_fill=shot.trace_fill,
            gap=shot.gap,
            smallest_region=shot.smallest_region,
            sheets=tuple(address_of_file(work / "sheets" / sheet_name(index)) for index in range(len(shot.sheets))),
        )
    except ProtocolError as error:
        raise ShotError(error.sentence) from error


def _require_paint(frame: int, keyframe: Path, drawing: Path) -> None:
    flaw = check_painting(read_png(keyframe), line_art_of(read_png(drawing)))
    if flaw is not None:
        raise ShotError(
            TranslatableText(
                "Frame {frame}: {problem} If it is meant so, turn on Accept Errors.",
                frame=frame,
                problem=TranslatableText(flaw.template, **flaw.values),
            )
        )


def _has_line(path: Path) -> bool:
    image = bpy.data.images.load(str(path))
    try:
        pixels = np.empty(len(image.pixels), dtype=np.float32)
        image.pixels.foreach_get(pixels)
    finally:
        bpy.data.images.remove(image)
    return bool(pixels.min() < _INK)
