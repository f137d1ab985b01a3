# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of line art as a shot, in the order of the frame numbers in their names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from server.coloring.line_art.drawing import Drawing, LineFault, line_fault, read_drawing
from server.coloring.line_art.model_sheet import EmptySheet, ModelSheet, read_sheet
from server.coloring.numbered_files import FolderError, NumberedFiles, Size, common_size
from server.coloring.sheet_files import SheetFiles
from server.coloring.shot import Shot, open_drawings
from server.coloring.shot_checks import describe_blank, fit_keyframes
from server.images.codec import read_rgba
from shared.checks.flaws import SWAPPED, Flaw
from shared.digests import address_of
from shared.manifest import MOST_SHEETS
from shared.timing import Exposure, expose


@dataclass(frozen=True)
class FolderShot:
    """A folder read as a shot.

    exposure: which drawing each file shows, counted from 0 in the order of the frame numbers; files: their paths, the
    same one several times if an exposure sheet holds it; paintings: the paths of keyframes and model sheets; notes:
    what may be wrong with them.
    """

    shot: Shot
    exposure: Exposure
    files: tuple[Path, ...]
    paintings: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


def read_folder(
    folder: Path,
    keyframes: Iterable[str],
    size: Size | None = None,
    number: int | None = None,
    accept_errors: bool = False,
    sheets: Iterable[Path] = (),
    traces: Sequence[str] = (),
    by_sheet: SheetFiles | None = None,
    **settings: Any,
) -> FolderShot:
    """Check a folder of line art and its keyframes and make a shot of them.

    size: (width, height) of the result; by default the drawings' own. number: which number in the names of the line art
    is the frame, if that is not clear: 1 is the first, -1 the last. accept_errors: errors that the checks find in the
    images become notes. sheets: model sheets, of any size. traces: as in `shared.manifest.ShotManifest`. by_sheet: the
    folder's images as an exposure sheet shows them, if it is not read by its numbers. settings: further fields of the
    shot; a generated background requires a prompt and a keyframe that is transparent somewhere. Equal drawings become
    one. Raises FolderError or ImageError, whose message says what to do.
    """
    found = by_sheet or NumberedFiles.find(folder, number)
    files = found.files
    paintings = found.paintings(keyframes)
    own_size = common_size([*files.values(), *paintings.values()])
    size = size or own_size
    notes = list(found.notes)

    def note_flaw(path: Path, frame: int, flaw: Flaw) -> None:
        sentence = f"Frame {frame} ({path.name}): {flaw.sentence}"
        if flaw.severity == "error" and not accept_errors:
            raise FolderError(f"{sentence} If it is meant so, give --accept-errors.")
        notes.append(sentence)

    contents: dict[Path, str] = {}
    blank: list[int] = []
    for frame, path in files.items():
        if path in contents:
            continue
        line_art, ink = read_drawing(read_rgba(path), traces)
        fault = line_fault(line_art)
        if fault is LineFault.BLANK:
            blank.append(frame)
        if fault is LineFault.LIGHT_ON_DARK:
            note_flaw(path, frame, SWAPPED)
        contents[path] = address_of(line_art.tobytes() + ink.tobytes())
    numbers = list(files)
    if len(blank) == len(contents):
        raise FolderError(f"{folder} has no lines, all its pictures are blank paper: export them again.")
    if blank:
        notes.append(describe_blank(blank))
    exposure = expose(0, [contents[path] for path in files.values()], {numbers.index(frame) for frame in paintings})
    paths = tuple(files.values())
    drawings, inks = open_drawings(
        [paths[exposure.first_frame_of(index)] for index in range(exposure.drawing_count)],
        lambda path: _resized_drawing(read_drawing(read_rgba(path), traces), size),
    )
    drawing_of = dict(zip(numbers, exposure.drawing_of, strict=True))
    painted: dict[int, np.ndarray] = {}
    frame_of: dict[int, int] = {}
    for frame, path in paintings.items():
        index = drawing_of[frame]
        frame_of[index] = frame
        painted[index] = _resized_paint(read_rgba(path), size)
    read = read_sheets(sheets)
    shot = Shot(drawings, painted, holds=exposure.holds, inks=inks, sheets=list(read.values()), **settings)
    if shot.background == "generated" and not shot.prompt.strip():
        raise FolderError("A generated background needs words that say what it shows: give them with --prompt.")
    if shot.background == "generated" and not shot.is_translucent:
        raise FolderError("No keyframe has a transparent part where a background could be generated.")
    shot, flaws, changes = fit_keyframes(shot, lambda drawing: numbers[exposure.first_frame_of(drawing)])
    for index, flaw in flaws.items():
        note_flaw(paintings[frame_of[index]], frame_of[index], flaw)
    notes += [
        f"Frame {frame_of[index]} ({paintings[frame_of[index]].name}): {change}" for index, change in changes.items()
    ]
    return FolderShot(shot, exposure, paths, (*paintings.values(), *read), tuple(notes))


def read_sheets(paths: Iterable[Path]) -> dict[Path, ModelSheet]:
    """Read model sheets by their paths. Raises FolderError or ImageError, with the path."""
    wanted = list(paths)
    if len(wanted) > MOST_SHEETS:
        raise FolderError(f"A shot can have {MOST_SHEETS} model sheets at most, not {len(wanted)}.")
    sheets = {}
    for path in wanted:
        if not path.is_file():
            raise FolderError(f"{path} is not there: give the model sheet's file to --reference.")
        try:
            sheets[path] = read_sheet(read_rgba(path))
        except EmptySheet as error:
            raise FolderError(f"{path}: {error}") from error
    return sheets


def _resized(image: np.ndarray, size: Size) -> np.ndarray:
    if image.shape[1::-1] == size:
        return image
    shrinks = size[0] < image.shape[1]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def _resized_drawing(drawing: Drawing, size: Size) -> Drawing:
    line_art = _resized(drawing.line_art, size)
    return Drawing(line_art, line_art if drawing.ink is drawing.line_art else _resized_paint(drawing.ink, size))


def _resized_paint(image: np.ndarray, size: Size) -> np.ndarray:
    """Resize straight RGBA uint8 [H, W, 4]. Colors are weighted by their alpha: what is transparent has none."""
    if image.shape[1::-1] == size:
        return image
    alpha = image[..., 3:]
    weighted = _resized(np.dstack([image[..., :3] * (alpha / np.float32(255)), alpha]), size)
    color = 255 * weighted[..., :3] / np.maximum(weighted[..., 3:], 1)
    return np.dstack([color, weighted[..., 3:]]).round().clip(0, 255).astype(np.uint8)
