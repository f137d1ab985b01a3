# SPDX-License-Identifier: GPL-3.0-or-later
"""The palette of a finished take, and takes with changed colors, made without a server."""

from __future__ import annotations

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
from ..shared.palette import MOST_SWATCHES, Swatch
from ..shared.translatable_text import TranslatableText
from .correction import link, link_folder
from .naming import Color, told_apart
from .take import Take, address_of_file, frame_name, sheet_name, whole_folder

_LEAST_SHARE = 0.0002
"""Smallest share of the shot's pixels that a palette color without a name has."""
_MOST_NOTED = 6
"""The most changes that the note of a take lists."""


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
    total, named = counts.total(), {swatch.rgb for swatch in take.palette}
    return {
        color: count / total for color, count in counts.most_common() if count >= _LEAST_SHARE * total or color in named
    }


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
    seen = pixels[(pixels[..., 3:] > 0).all(axis=2)]
    codes, counts = np.unique(_codes(seen), return_counts=True)
    found = zip(codes.tolist(), counts.tolist(), strict=True)
    return Counter({(code >> 16, code >> 8 & 255, code & 255): count for code, count in found})


def recolor(take: Take, colors: Mapping[Color, Color], folder: Path, number: int, title: str = "") -> Take:
    """Make a take with changed colors in the new folder `folder`.

    colors: the take's colors, and what each becomes; those that stay are there, too. Pixels of exactly these colors
    change, in the fills, in the keyframes and in the model sheets. If two become one, they are told apart by a level
    that nobody sees. The colored frames are the fills with the lines laid over them. number: number of the new take.
    title: what the new colors are, such as the name of a palette. If it fails, `folder` is not created. Raises
    ShotError or OSError.
    """
    changes = told_apart(colors)
    with whole_folder(folder) as work:
        for name in ("keyframes", "fills", "colored", *(["sheets"] if take.manifest.sheets else [])):
            (work / name).mkdir()
        for source in (take.lineart, take.lines, take.background):
            link_folder(source, work / source.name)
        _recolor_frames(take, changes, work)
        keyframes, sheets = [], []
        for keyframe in take.manifest.keyframes:
            path = work / "keyframes" / frame_name(keyframe.frame)
            write_png(path, _changed(read_png(take.keyframes / path.name), changes))
            keyframes.append(replace(keyframe, blob=address_of_file(path)))
        for index in range(len(take.manifest.sheets)):
            path = work / "sheets" / sheet_name(index)
            write_png(path, _changed(read_png(take.sheets / path.name), changes))
            sheets.append(address_of_file(path))
        names = {swatch.rgb: swatch.name for swatch in take.palette}
        recolored = Take(
            folder=work,
            job=str(uuid.uuid4()),
            manifest=replace(
                take.manifest,
                keyframes=tuple(keyframes),
                sheets=tuple(sheets),
                palette=_own_colors(take, changes),
                parent=take.job,
            ),
            placement=take.placement,
            server=take.server,
            number=number,
            state="done",
            has_lines=take.has_lines,
            palette=tuple(Swatch.of(name, changes.get(color, color)) for color, name in names.items()),
            note=_note(changes, names, title),
            created=time.time(),
        )
        recolored.save()
    return replace(recolored, folder=folder)


def _own_colors(take: Take, changes: Mapping[Color, Color]) -> tuple[str, ...]:
    """The colors that a correction of the recolored take must keep apart: those of the take, and the new ones."""
    known = (Swatch("known", color).rgb for color in take.manifest.palette)
    colors = dict.fromkeys([*(changes.get(color, color) for color in known), *changes.values()])
    return tuple(Swatch.of("own", color).color for color in colors)[:MOST_SWATCHES]


def _recolor_frames(take: Take, changes: Mapping[Color, Color], work: Path) -> None:
    exposure = take.manifest.exposure
    for drawing in range(exposure.drawing_count):
        name = frame_name(exposure.first_frame_of(drawing))
        write_drawing(take, drawing, _changed(read_png(take.fills / name), changes), work)


def write_drawing(take: Take, drawing: int, fills: np.ndarray, work: Path) -> None:
    """Write a drawing's new fills uint8 [H, W, 3 or 4], and its colored frames with the take's lines, to `work`."""
    exposure = take.manifest.exposure
    first, *held = (frame for frame in exposure.frames if exposure.drawing_at(frame) == drawing)
    name = frame_name(first)
    lines = read_png(take.lines / name) if take.has_lines else line_art_of(read_png(take.lineart / name))
    for layer, picture in (("fills", fills), ("colored", lay_lines(fills, lines))):
        write_png(work / layer / name, picture)
        for frame in held:
            link(work / layer / name, work / layer / frame_name(frame))


def _changed(picture: np.ndarray, changes: Mapping[Color, Color]) -> np.ndarray:
    """Change colors of a picture uint8 [H, W, 3 or 4]; transparent pixels stay as they are."""
    old = np.array(sorted(changes), np.uint32).reshape(-1, 3)
    if not len(old):
        return picture
    new = np.array([changes[color] for color in sorted(changes)], np.uint8)
    known, codes = _codes(old), _codes(picture)
    place = np.searchsorted(known, codes).clip(max=len(known) - 1)
    changes_here = (known[place] == codes) & (picture[..., 3:] > 0).all(axis=2)
    changed = picture.copy()
    changed[changes_here, :3] = new[place[changes_here]]
    return changed


def _codes(colors: np.ndarray) -> np.ndarray:
    """One number for each color of [..., 3 or 4], uint32 [...]; they have the order of the colors."""
    red, green, blue = (colors[..., channel].astype(np.uint32) for channel in range(3))
    return red << 16 | green << 8 | blue


def _note(changes: Mapping[Color, Color], names: Mapping[Color, str], title: str) -> str:
    """What a take's note says of its new colors."""
    told = [f"{names.get(old, '')} {_hex(old)} → {_hex(new)}".strip() for old, new in changes.items()]
    listed = ", ".join(told[:_MOST_NOTED]) + (" …" if len(told) > _MOST_NOTED else "")
    return f"{title}: {listed}" if title else listed


def _hex(color: Color) -> str:
    return "#" + bytes(color).hex()
