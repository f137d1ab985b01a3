# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers of a take: its colors and lines by owner, as folders of PNGs with alpha in an OCA document."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..png_pixels import write_png
from .correction import link
from .oca import SUFFIX, write_document
from .owned_drawing import read_owned
from .parting import part
from .take import Take, frame_name, replace_folder

FOLDER = f"layers{SUFFIX}"
BACKGROUND = "Background"
"""The name of the lowest layer, which has what nobody owns."""


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
    parts = part(*read_owned(take, drawing, picture, len(names) - 1), take.manifest.finish == "flats")
    shown = set()
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
