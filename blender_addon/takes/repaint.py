# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes in which a region has another color, in one drawing or from it on, made without a server.

The drawing becomes a keyframe, as in a correction, so that the server knows the change when it colors the shot again.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..compositing import line_art_of
from ..contours.regions import Region, follow, region_at
from ..png_pixels import read_png
from ..shared.errors import ShotError
from ..shared.manifest import Keyframe
from ..shared.translatable_text import TranslatableText
from .correction import link, link_folder, with_keyframe
from .naming import Color
from .recolor import write_drawing
from .shapes import require_fills
from .take import Take, address_of_file, copy_whole, frame_name, whole_folder


def repaint(
    take: Take, frame: int, place: tuple[int, int], color: Color, onward: bool, folder: Path, number: int
) -> Take:
    """Make a take in the new folder `folder`, in which the region at a place of a frame has another color.

    place: x and y in pixels from the upper left corner. onward: also in the drawings that are shown afterward, where
    the region is followed by its color, place and size. number: number of the new take. If it fails, `folder` is not
    created. Raises ShotError or OSError.
    """
    exposure = take.manifest.exposure
    require_fills(take, exposure.frames)
    drawing = exposure.drawing_at(frame)
    fills, line_art = _pictures(take, drawing)
    region = region_at(fills, line_art, *place)
    if region is None:
        raise ShotError(TranslatableText("There are only lines here: click into a region."))
    if tuple(region.color[:3].tolist()) == color:
        raise ShotError(TranslatableText("The region has this color already: choose another one."))
    later = dict.fromkeys(exposure.drawing_at(one) for one in exposure.frames if one > frame)
    changed = {drawing}
    with whole_folder(folder) as work:
        for source in (take.lineart, take.lines, take.background, take.sheets):
            link_folder(source, work / source.name)
        for source in (take.keyframes, take.fills, take.colored):
            (work / source.name).mkdir()
        write_drawing(take, drawing, _colored(fills, region, color), work)
        for one in later if onward else ():
            if one != drawing:
                fills, line_art = _pictures(take, one)
                following = follow(region, fills, line_art)
                if following is not None:  # it may be hidden for a while
                    region = following
                    changed.add(one)
                    write_drawing(take, one, _colored(fills, region, color), work)
        for one in exposure.frames:
            if exposure.drawing_at(one) not in changed:
                for source in (take.fills, take.colored):
                    link(source / frame_name(one), work / source.name / frame_name(one))
        keyframes = []
        first = Keyframe(frame, address_of_file(work / "colored" / frame_name(frame)))
        for keyframe in with_keyframe(take, first):
            name = frame_name(keyframe.frame)
            is_changed = exposure.drawing_at(keyframe.frame) in changed
            copy_whole((work / "colored" if is_changed else take.keyframes) / name, work / "keyframes" / name)
            keyframes.append(replace(keyframe, blob=address_of_file(work / "keyframes" / name)))
        repainted = Take(
            folder=work,
            job=str(uuid.uuid4()),
            manifest=replace(take.manifest, keyframes=tuple(keyframes), parent=take.job),
            placement=take.placement,
            server=take.server,
            number=number,
            state="done",
            has_lines=take.has_lines,
            palette=take.palette,
            guesses=take.guesses,
            note=TranslatableText(
                "Frame {frame}: a region became {color}, in {count} drawings",
                frame=frame,
                color="#" + bytes(color).hex(),
                count=len(changed),
            ),
            created=time.time(),
        )
        repainted.save()
    return replace(repainted, folder=folder)


def _pictures(take: Take, drawing: int) -> tuple[np.ndarray, np.ndarray]:
    """The fills and the line art of a drawing."""
    name = frame_name(take.manifest.exposure.first_frame_of(drawing))
    return read_png(take.fills / name), line_art_of(read_png(take.lineart / name))


def _colored(fills: np.ndarray, region: Region, color: Color) -> np.ndarray:
    """The fills with a region in another color."""
    colored = fills.copy()
    colored[region.mask, :3] = color
    return colored
