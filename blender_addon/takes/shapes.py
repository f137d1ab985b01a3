# SPDX-License-Identifier: GPL-3.0-or-later
"""The regions of a take's drawings as shapes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..compositing import line_art_of
from ..contours.shapes import Shape, shapes_of
from ..png_pixels import read_png
from ..shared.errors import ShotError
from ..shared.translatable_text import TranslatableText
from .owned_drawing import read_owned
from .parting import part_fills
from .take import Take, frame_name


def require_colors(take: Take, frames: Iterable[int]) -> None:
    """Raise ShotError, with what to do, unless a take has colors apart from its lines in all these frames."""
    if take.fills not in take.results or not all((take.fills / frame_name(frame)).is_file() for frame in frames):
        raise ShotError(
            TranslatableText(
                "{take} has no fills here: color the shot with Strips set to Meta Strip or Two Strips.",
                take=take.title,
            )
        )


def require_fills(take: Take, frames: Iterable[int]) -> None:
    """Raise ShotError, with what to do, unless a take has flat fills of all these frames."""
    require_colors(take, frames)
    if take.manifest.finish != "flats":
        raise ShotError(
            TranslatableText(
                "The colors of {take} are shaded, and fills are flat: color the shot with Finish set to Flats.",
                take=take.title,
            )
        )


@dataclass(frozen=True)
class Pictures:
    """Pictures of the owners of a take's drawings, as `owners` paints them.

    folder: it has a PNG for each drawing, called as its index. owners: how many there are.
    """

    folder: Path
    owners: int

    def of(self, drawing: int) -> Path:
        """The picture of a drawing, by its index."""
        return self.folder / f"{drawing}.png"


def shapes_of_drawing(take: Take, drawing: int, pictures: Pictures | None = None) -> list[list[Shape]]:
    """The shapes of a drawing, by its index, from the lowest to the uppermost: all together, or, if there are pictures
    of owners, those of nobody and of each owner.

    Raises ShotError if an image is missing or cannot be read, or the scene shows another drawing now.
    """
    if pictures is None:
        name = frame_name(take.manifest.exposure.first_frame_of(drawing))
        return [shapes_of(read_png(take.fills / name), line_art_of(read_png(take.lineart / name)))]
    owned = read_owned(take, drawing, pictures.of(drawing), pictures.owners)
    return [shapes_of(fills, owned.line_art) for fills in part_fills(*owned)]
