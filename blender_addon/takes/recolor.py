# SPDX-License-Identifier: GPL-3.0-or-later
"""The palette of a finished take, and takes with changed colors, made without a server."""

from __future__ import annotations

import shutil
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..compositing import lay_lines, line_art_of
from ..png_pixels import read_png, write_png
from ..shared.errors import ShotError
from ..shared.manifest import Keyframe
from ..shared.translatable_text import TranslatableText
from .correction import link, link_folder
from .take import Take, address_of_file, frame_name

Color = tuple[int, int, int]

_LEAST_SHARE = 0.0002
"""Smallest share of the shot's pixels that a palette color has."""


def palette_of(take: Take) -> dict[Color, float]:
    """The colors of a take's fills and their shares of the shot's pixels, largest first.

    Raises ShotError if fills are missing or cannot be read.
    """
    exposure = take.manifest.exposure
    if len(take.arrived()) < len(exposure.frames) or take.fills not in take.results:
        raise ShotError(
            TranslatableText(
                "{take} has no fills here: color the shot with Strips set to Meta Strip or Two Strips.",
                take=take.title,
            )
        )
    counts: Counter[Color] = Counter()
    for drawing in range(exposure.drawing_count):
        pixels = read_png(take.fills / frame_name(exposure.first_frame_of(drawing)))
        counts.update(_counted(pixels))
    total = counts.total()
    return {color: count / total for color, count in counts.most_common() if count >= _LEAST_SHARE * total}


def colors_of(take: Take) -> list[Color]:
    """The colors that a take's frames are painted with, largest first: those of its fills, or of its keyframes until
    all have arrived. Raises ShotError if images are missing or cannot be read."""
    if take.fills in take.results and len(take.arrived()) == len(take.manifest.timing):
        return list(palette_of(take))
    counts: Counter[Color] = Counter()
    for keyframe in take.manifest.keyframes:
        found = _counted(read_png(take.keyframes / frame_name(keyframe.frame)))
        counts.update({color: count for color, count in found.items() if count >= _LEAST_SHARE * found.total()})
    return [color for color, _ in counts.most_common()]


def _counted(pixels: np.ndarray) -> Counter[Color]:
    """The number of pixels of each color of a picture, uint8 [H, W, 3 or 4]; transparent ones do not count."""
    seen = pixels[(pixels[..., 3:] > 0).all(axis=2)].astype(np.uint32)
    codes, counts = np.unique(seen[..., 0] << 16 | seen[..., 1] << 8 | seen[..., 2], return_counts=True)
    found = zip(codes.tolist(), counts.tolist(), strict=True)
    return Counter({(code >> 16, code >> 8 & 255, code & 255): count for code, count in found})


def recolor(take: Take, changes: Mapping[Color, Color], folder: Path, number: int) -> Take:
    """Make a take with changed colors in the new folder `folder`.

    Pixels of exactly these colors change, in the fills and in the keyframes. The colored frames are the fills with the
    lines laid over them. number: number of the new take. If it fails, `folder` is not created. Raises ShotError or
    OSError.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name in ("keyframes", "fills", "colored"):
            (work / name).mkdir()
        for source in (take.lineart, take.lines, take.background):
            link_folder(source, work / source.name)
        _recolor_frames(take, changes, work)
        keyframes = []
        for keyframe in take.manifest.keyframes:
            path = work / "keyframes" / frame_name(keyframe.frame)
            write_png(path, _changed(read_png(take.keyframes / path.name), changes))
            keyframes.append(Keyframe(keyframe.frame, address_of_file(path)))
        note = ", ".join(f"{_hex(old)} → {_hex(new)}" for old, new in changes.items())
        recolored = Take(
            folder=work,
            job=str(uuid.uuid4()),
            manifest=replace(take.manifest, keyframes=tuple(keyframes), parent=take.job),
            placement=take.placement,
            server=take.server,
            number=number,
            state="done",
            has_lines=take.has_lines,
            note=note,
            created=time.time(),
        )
        recolored.save()
        work.rename(folder)
    except (ShotError, OSError):
        shutil.rmtree(work, ignore_errors=True)
        raise
    return replace(recolored, folder=folder)


def _recolor_frames(take: Take, changes: Mapping[Color, Color], work: Path) -> None:
    exposure = take.manifest.exposure
    for drawing in range(exposure.drawing_count):
        first, *held = (frame for frame in exposure.frames if exposure.drawing_at(frame) == drawing)
        name = frame_name(first)
        fills = _changed(read_png(take.fills / name), changes)
        lines = read_png(take.lines / name) if take.has_lines else line_art_of(read_png(take.lineart / name))
        colored = lay_lines(fills, lines)
        for layer, picture in (("fills", fills), ("colored", colored)):
            write_png(work / layer / name, picture)
            for frame in held:
                link(work / layer / name, work / layer / frame_name(frame))


def _changed(picture: np.ndarray, changes: Mapping[Color, Color]) -> np.ndarray:
    """Change colors of a picture uint8 [H, W, 3 or 4]; transparent pixels stay as they are."""
    changed = picture.copy()
    seen = (picture[..., 3:] > 0).all(axis=2)
    for old, new in changes.items():
        changed[..., :3][seen & (picture[..., :3] == old).all(axis=2)] = new
    return changed


def _hex(color: Color) -> str:
    return "#" + bytes(color).hex()
