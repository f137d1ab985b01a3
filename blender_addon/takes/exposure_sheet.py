# SPDX-License-Identifier: GPL-3.0-or-later
"""A take's exposure sheet: which of its pictures each frame shows."""

from __future__ import annotations

from pathlib import Path

from ..files import replacing
from ..shared.exposure_sheet import Column, ExposureSheet
from ..shared.xdts import SUFFIX, write
from .take import Take, frame_name


def sheet_of(take: Take) -> ExposureSheet:
    """The sheet of a take. Its columns are the folders of its results, and a cel is the picture of a drawing's first
    frame."""
    exposure = take.manifest.exposure
    cels = [Path(frame_name(exposure.first_frame_of(index))).stem for index in range(exposure.drawing_count)]
    cells = tuple(cels[index] for index in exposure.drawing_of)
    folders = [folder for folder in take.results if folder.is_dir()]
    return ExposureSheet(tuple(Column(folder.name, cells) for folder in folders), take.manifest.name)


def write_sheet(take: Take) -> Path:
    """Write a take's exposure sheet into its folder; returns its path. Raises OSError."""
    path = take.folder / f"exposure{SUFFIX}"
    with replacing(path) as partial:
        partial.write_bytes(write(sheet_of(take)))
    return path
