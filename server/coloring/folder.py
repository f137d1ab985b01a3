# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of line-art PNGs as a shot, in the order of the frame numbers in their names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from server.coloring.line_art.drawing import Drawing, line_fault, read_drawing
from server.coloring.shot import Shot, open_drawings
from server.image_codec import read_mask, read_painted, read_rgba, read_size
from shared.digests import address_of
from shared.timing import Exposure, expose

Size = tuple[int, int]


class FolderError(ValueError):
    """A folder, a name or an option cannot be used; the sentence says what to do."""


def frame_number(path: Path) -> int | None:
    """Return the frame number in a file's name: the last run of digits before the suffix, or None."""
    digits = re.findall(r"[0-9]+", path.stem)
    return int(digits[-1]) if digits else None


def frame_files(folder: Path) -> dict[int, Path]:
    """Return a folder's PNGs by frame number, in order. Raises FolderError for none or for a repeated number."""
    if not folder.is_dir():
        raise FolderError(f"{folder} is not a folder: give the folder that holds the line art.")
    files: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() != ".png" or path.name.startswith("."):
            continue
        number = frame_number(path)
        if number is None:
            raise FolderError(f"{path.name} has no frame number in its name: call it for example {path.stem}_0001.png.")
        if number in files:
            raise FolderError(f"{files[number].name} and {path.name} are both frame {number}: remove or rename one.")
        files[number] = path
    if not files:
        raise FolderError(f"{folder} holds no PNG files: export the line art there, one numbered PNG a frame.")
    return dict(sorted(files.items()))


def parse_keyframe(text: str) -> tuple[Path, int]:
    """Read `FILE` or `FILE@FRAME`. Without @FRAME the number is taken from the file's name."""
    name, at, digits = text.rpartition("@")
    if at and re.fullmatch("[0-9]+", digits) and not Path(text).exists():
        return Path(name), int(digits)
    number = frame_number(Path(text))
    if number is None:
        raise FolderError(f"Which frame does {text} paint? Say it with @, for example {text}@12.")
    return Path(text), number


@dataclass(frozen=True)
class FolderShot:
    """A folder read as a shot.

    exposure: which drawing each file shows, counted from 0 in the order of the frame numbers; files: their paths.
    """

    shot: Shot
    exposure: Exposure
    files: tuple[Path, ...]


def read_folder(
    folder: Path,
    keyframes: Iterable[str],
    size: Size | None = None,
    prompt: str = "",
    seed: int = 0,
    finish: str = "flats",
    background: str = "kept",
    quality: str = "auto",
) -> FolderShot:
    """Check a folder of line art and its keyframes and make a shot of them.

    size: (width, height) of the result; by default the drawings' own. background: "generated" requires a prompt and a
    keyframe that is transparent somewhere. Equal drawings become one. Raises FolderError or ImageError, whose message
    says what to do.
    """
    files = frame_files(folder)
    paintings = _paintings(keyframes, files)
    own_size = _common_size([*files.values(), *paintings.values()])
    size = size or own_size
    contents: list[str] = []
    for path in files.values():
        line_art, ink = read_drawing(read_rgba(path))
        if fault := line_fault(line_art):
            raise FolderError(f"{path.name} {fault}.")
        contents.append(address_of(line_art.tobytes() + ink.tobytes()))
    exposure = expose(0, contents)
    paths = tuple(files.values())
    drawings, inks = open_drawings(
        [paths[exposure.first_frame_of(index)] for index in range(exposure.drawing_count)],
        lambda path: _resized_drawing(read_drawing(read_rgba(path)), size),
    )
    numbers = list(files)
    painted: dict[int, np.ndarray] = {}
    masks: dict[int, np.ndarray] = {}
    for number, path in paintings.items():
        index = exposure.drawing_at(numbers.index(number))
        if index in painted:
            raise FolderError(
                f"{path} paints frame {number}, the same drawing as another keyframe: give one of the two."
            )
        painted[index] = _resized(read_painted(path), size)
        masks[index] = _resized(read_mask(path).astype(np.uint8), size) > 0
    if background == "generated" and not prompt.strip():
        raise FolderError("A generated background needs words that say what it shows: give them with --prompt.")
    if background == "generated" and not any(mask.any() for mask in masks.values()):
        raise FolderError("No keyframe has a transparent part where a background could be generated.")
    if finish not in ("painted", "flats"):
        raise FolderError(f"The finish must be painted or flats, not {finish!r}.")
    shot = Shot(drawings, painted, prompt, seed, finish, quality, masks, background, exposure.holds, inks)  # type: ignore[arg-type]
    return FolderShot(shot, exposure, paths)


def _paintings(keyframes: Iterable[str], files: Mapping[int, Path]) -> dict[int, Path]:
    paintings: dict[int, Path] = {}
    for text in keyframes:
        path, number = parse_keyframe(text)
        if not path.is_file():
            raise FolderError(f"The keyframe {path} does not exist: give the path of a painted PNG.")
        if number not in files:
            raise FolderError(
                f"The keyframe {path.name} paints frame {number}, but the line art has frames {min(files)} to "
                f"{max(files)} ({len(files)} files): give the frame it paints as {path.name}@FRAME."
            )
        if number in paintings:
            raise FolderError(f"{paintings[number]} and {path} both paint frame {number}: give one of them.")
        paintings[number] = path
    if not paintings:
        raise FolderError("There is no keyframe: paint one of the frames and give it with --keyframe FILE@FRAME.")
    return paintings


def _common_size(paths: Sequence[Path]) -> Size:
    sizes = {path: read_size(path) for path in paths}
    first, size = next(iter(sizes.items()))
    for path, other in sizes.items():
        if other != size:
            raise FolderError(
                f"{first.name} is {size[0]}×{size[1]} but {path.name} is {other[0]}×{other[1]}: "
                "line art and keyframes must have one size."
            )
    return size


def _resized(image: np.ndarray, size: Size) -> np.ndarray:
    if image.shape[1::-1] == size:
        return image
    shrinks = size[0] < image.shape[1]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def _resized_drawing(drawing: Drawing, size: Size) -> Drawing:
    line_art = _resized(drawing.line_art, size)
    if drawing.ink is drawing.line_art:
        return Drawing(line_art, line_art)
    # Transparent pixels have no color to mix in, so colors are weighted by their alpha.
    alpha = drawing.ink[..., 3:]
    weighted = _resized(np.dstack([drawing.ink[..., :3] * (alpha / np.float32(255)), alpha]), size)
    color = 255 * weighted[..., :3] / np.maximum(weighted[..., 3:], 1)
    return Drawing(line_art, np.dstack([color, weighted[..., 3:]]).round().clip(0, 255).astype(np.uint8))
