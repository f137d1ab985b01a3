# SPDX-License-Identifier: GPL-3.0-or-later
"""A drawing of a take with the owners of its lines and fills."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..compositing import line_art_of
from ..png_pixels import read_png
from ..shared.errors import ShotError
from ..shared.translatable_text import TranslatableText
from .ownership import Ownership, read_ownership
from .parting import likeness
from .take import Take, frame_name

_ALIKE = 0.9
"""The least likeness of a drawing and the scene, if the scene still shows the drawing."""


class OwnedDrawing(NamedTuple):
    """What `parting` needs to know of a drawing.

    fills: uint8 [H, W, 3 or 4]. lines: straight RGBA uint8 [H, W, 4]. line_art: uint8 [H, W]. owned: the owners, from
    the lowest on. owners: how many there are.
    """

    fills: np.ndarray
    lines: np.ndarray
    line_art: np.ndarray
    owned: Ownership
    owners: int


def read_owned(take: Take, drawing: int, picture: Path, owners: int) -> OwnedDrawing:
    """Read a drawing of a take, by its index, and the PNG of its owners, as `colors_of` paints them.

    Raises ShotError if the scene shows another drawing now, or an image cannot be read.
    """
    frame = take.manifest.exposure.first_frame_of(drawing)
    name = frame_name(frame)
    line_art = line_art_of(read_png(take.lineart / name))
    owned = read_ownership(read_png(picture)[..., :3], owners)
    if likeness(owned, line_art) < _ALIKE:
        raise ShotError(
            TranslatableText(
                "The lines of frame {frame} are no longer where {take} has them: undo the changes of the scene, or "
                "color the shot again.",
                frame=frame,
                take=take.title,
            )
        )
    lines = read_png(take.lines / name) if take.has_lines else _ink(line_art)
    return OwnedDrawing(read_png(take.fills / name), lines, line_art, owned, owners)


def _ink(line_art: np.ndarray) -> np.ndarray:
    return np.dstack([np.zeros((*line_art.shape, 3), np.uint8), 255 - line_art])
