# SPDX-License-Identifier: GPL-3.0-or-later
"""The model sheets of a shot: painted pictures of figures that are no frames of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bpy

from ..shared.errors import ShotError
from ..shared.manifest import MOST_SHEETS
from ..shared.translatable_text import TranslatableText
from .painted_frame import painting_of
from .pixels import write


def check(sheets: Sequence[bpy.types.Image]) -> None:
    """Raise ShotError if there are too many model sheets, or one of them shows nothing."""
    if len(sheets) > MOST_SHEETS:
        raise ShotError(
            TranslatableText(
                "The shot has {count} model sheets, and can have {most}: remove some, or put their figures into one "
                "picture.",
                count=len(sheets),
                most=MOST_SHEETS,
            )
        )
    for image in sheets:
        if not image.has_data and not image.pixels:
            raise ShotError(
                TranslatableText(
                    "The model sheet {name} has no pixels: reload it or choose another.", name=repr(image.name)
                )
            )


def write_sheet(image: bpy.types.Image, path: Path) -> None:
    """Write a model sheet to a PNG. Raises ShotError if it has one color everywhere, or OSError."""
    pixels = painting_of(image)
    if (pixels == pixels[:1, :1]).all():
        raise ShotError(
            TranslatableText(
                "The model sheet {name} is empty: it has one color everywhere. Use a picture of painted figures.",
                name=repr(image.name),
            )
        )
    write(pixels, path)
