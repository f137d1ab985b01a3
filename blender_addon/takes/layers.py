# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers of a take: its colors and lines by owner, as folders of PNGs with alpha in an OCA document."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ..compositing import line_art_of
from ..png_pixels import read_png, write_png
from ..shared.errors import ShotError
from ..shared.translatable_text import TranslatableText
from .correction import link
from .oca import SUFFIX, write_document
from .ownership import read_ownership
from .parting import likeness, part
from .take import Take, frame_name, replace_folder

FOLDER = f"layers{SUFFIX}"
BACKGROUND = "Background"
"""The name of the lowest layer, which has what nobody owns."""
_ALIKE = 0.9
"""The least likeness of a drawing and the scene, if the scene still shows the drawing."""


def layer_names(owners: Sequence[str]) -> list[str]:
    """The names of the layers' folders, the lowest first: the background, and one for each owner.

    They can be names of files, and differ in more than upper and lower case.
    """
    names: list[str] = []
    for owner in (BACKGROUND, *owners):
        plain = re.sub(r"[^\w \-]", "_", owner).strip() or "_"
        name, number = plain, 2
        while name.casefold() in {one.casefold() for one in names}:
            name, number = f"{plain} {number}", number + 1
        names.append(name)
    return names


def part_drawing(take: Take, drawing: int, picture: Path, names: Sequence[str], folder: Path) -> set[str]:
    """Write the layers of a drawing, by its index, to `folder`, one folder a layer; held frames are repeated.

    picture: the PNG of its owners, as `colors_of` paints them. names: from `layer_names`. Returns the names of the
    layers that show something. Raises ShotError if the scene shows another drawing now, or an image cannot be read, or
    OSError.
    """
    exposure = take.manifest.exposure
    first, *held = (frame for frame in exposure.frames if exposure.drawing_at(frame) == drawing)
    name = frame_name(first)
    line_art = line_art_of(read_png(take.lineart / name))
    owned = read_ownership(read_png(picture)[..., :3], len(names) - 1)
    if likeness(owned, line_art) < _ALIKE:
        raise ShotError(
            TranslatableText(
                "The lines of frame {frame} are no longer where {take} has them: undo the changes of the scene, or "
                "color the shot again.",
                frame=first,
                take=take.title,
            )
        )
    lines = read_png(take.lines / name) if take.has_lines else _ink(line_art)
    fills = read_png(take.fills / name)
    shown = set()
    parts = part(fills, lines, line_art, owned, len(names) - 1, take.manifest.finish == "flats")
    for layer, pixels in zip(names, parts, strict=True):
        (folder / layer).mkdir(exist_ok=True)
        write_png(folder / layer / name, pixels)
        for frame in held:
            link(folder / layer / name, folder / layer / frame_name(frame))
        if pixels[..., 3].any():
            shown.add(layer)
    return shown


@contextmanager
def new_layers(take: Take) -> Iterator[Path]:
    """A folder to write layers to. After the block, it has the take's OCA document and replaces the layers that were
    there; after an error, nothing is changed. Raises OSError."""
    work = Path(tempfile.mkdtemp(prefix=".layers-", dir=take.folder))
    try:
        yield work
        replace_folder(work, take.folder / FOLDER)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def describe(take: Take, names: Sequence[str], shown: Sequence[set[str]], folder: Path) -> list[str]:
    """Write the OCA document of the layers that show something, and remove the others.

    shown: the layers that show something, by drawing. Returns their names, the lowest first. Raises OSError.
    """
    seen = [name for name in names if any(name in one for one in shown)]
    for name in set(names) - set(seen):
        shutil.rmtree(folder / name)
    write_document(folder / FOLDER, take.manifest, {name: [name in one for one in shown] for name in seen})
    return seen


def _ink(line_art: np.ndarray) -> np.ndarray:
    return np.dstack([np.zeros((*line_art.shape, 3), np.uint8), 255 - line_art])
