# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m server colorize`: color a folder of line-art PNGs, by the frame numbers in their names."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import cv2
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from server.coloring.line_art.regions import LINE_BELOW
from server.coloring.shot import Drawings, Guess, Shot
from server.images import encode_png, read_line_art, read_mask, read_painted, read_size
from shared.digests import address_of
from shared.manifest import Quality
from shared.timing import Exposure, expose

if TYPE_CHECKING:
    from server.coloring.colorizer import Coloring

Size = tuple[int, int]


class FolderError(ValueError):
    """A folder, a name or an option cannot be used; the sentence says what to do."""


def frame_number(path: Path) -> int | None:
    """The frame number in a file's name: the last run of digits before the suffix, None when there is none."""
    digits = re.findall(r"[0-9]+", path.stem)
    return int(digits[-1]) if digits else None


def frame_files(folder: Path) -> dict[int, Path]:
    """The PNGs of a folder by frame number, in order. Raises FolderError for none or for a number given twice."""
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
            raise FolderError(f"{files[number].name} and {path.name} both are frame {number}: remove or rename one.")
        files[number] = path
    if not files:
        raise FolderError(f"{folder} holds no PNG files: export the line art there, one numbered PNG a frame.")
    return dict(sorted(files.items()))


def parse_keyframe(text: str) -> tuple[Path, int]:
    """Read `FILE` or `FILE@FRAME`; without @FRAME the number is the one in the file's name."""
    name, at, digits = text.rpartition("@")
    if at and re.fullmatch("[0-9]+", digits) and not Path(text).exists():
        return Path(name), int(digits)
    number = frame_number(Path(text))
    if number is None:
        raise FolderError(f"Which frame does {text} paint? Say it with @, for example {text}@12.")
    return Path(text), number


def parse_size(text: str) -> Size:
    """Read `WxH` in pixels."""
    found = re.fullmatch(r"([1-9][0-9]*)[x×]([1-9][0-9]*)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"a size is written as 1920x1080, not {text!r}")
    return int(found[1]), int(found[2])


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
    quality: str = "final",
) -> FolderShot:
    """Check a folder of line art and its keyframes and make a shot of them.

    size: (width, height) of the result; by default the drawings' own. background: "generated" asks for a prompt and for
    a keyframe that is transparent somewhere. Equal drawings become one. Raises FolderError or ImageError, each with
    what to do.
    """
    files = frame_files(folder)
    paintings = _paintings(keyframes, files)
    own_size = _common_size([*files.values(), *paintings.values()])
    size = size or own_size
    contents: list[str] = []
    for path in files.values():
        art = read_line_art(path)
        if not (art < LINE_BELOW).any():
            raise FolderError(
                f"{path.name} has no lines, it is blank paper: export it again or take the file out of the folder."
            )
        contents.append(address_of(art.tobytes()))
    exposure = expose(0, contents)
    paths = tuple(files.values())
    drawings = Drawings(
        [paths[exposure.first_frame_of(index)] for index in range(exposure.drawing_count)],
        lambda path: _resized(read_line_art(path), size),
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
    shot = Shot(drawings, painted, prompt, seed, finish, quality, masks, background)  # type: ignore[arg-type]
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


def write_file(path: Path, content: bytes) -> None:
    """Write a file under another name first, so that `path` is whole whenever it exists."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def colorize(source: FolderShot, coloring: Coloring, output: Path, console: Console) -> dict[str, list[Guess]]:
    """Color a folder's shot and write each frame under its drawing's file name as soon as its segment is done.

    coloring: that of `source.shot`. Returns, by the name of a drawing's first file, the regions that may have the wrong
    color.
    """
    output.mkdir(parents=True, exist_ok=True)
    frames_of: dict[int, list[Path]] = {}
    for path, drawing in zip(source.files, source.exposure.drawing_of, strict=True):
        frames_of.setdefault(drawing, []).append(path)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeRemainingColumn(),
    )
    if coloring.note:
        console.print(coloring.note, markup=False, highlight=False)
    total = len(coloring.segments)
    guesses: dict[str, list[Guess]] = {}
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("Coloring", total=total)
        for index in range(total):
            progress.update(bar, description=f"Segment {index + 1} of {total}")
            result = coloring.color(
                index,
                lambda done, steps, index=index: progress.update(bar, completed=index + done / steps),  # type: ignore[misc]
            )
            for drawing, image in result.frames.items():
                content = encode_png(image)
                for path in frames_of[drawing]:
                    write_file(output / path.name, content)
            guesses |= {frames_of[drawing][0].name: found for drawing, found in result.guesses.items()}
            progress.update(bar, completed=index + 1)
    if guesses:
        worst = max(guesses, key=lambda name: sum(guess.share for guess in guesses[name]))
        console.print(
            f"{len(guesses)} of {source.exposure.drawing_count} drawings have regions whose color is a guess, most of "
            f"all {worst}: paint one of them as another keyframe.",
            markup=False,
            highlight=False,
        )
    return guesses


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument("lineart", type=Path, metavar="LINEART_DIR", help="folder of numbered line-art PNGs")
    parser.add_argument(
        "--keyframe",
        action="append",
        default=[],
        metavar="FILE[@FRAME]",
        help="a painted frame; its number is the one after @ or in its name; may be given several times",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the colored frames")
    parser.add_argument(
        "--guesses", type=Path, metavar="FILE", help="write there, as JSON, the regions whose color is a guess"
    )
    parser.add_argument("--preset", default="tiny", help="the model to use (default: tiny)")
    parser.add_argument("--finish", choices=("painted", "flats"), default="flats", help="default: flats")
    parser.add_argument(
        "--quality",
        choices=get_args(Quality),
        default="final",
        help="draft: to look at a take; final: almost exact, in a third of the steps; exact (default: final)",
    )
    parser.add_argument("--size", type=parse_size, metavar="WxH", help="size of the result (default: the line art's)")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives another result (default: 0)")
    parser.add_argument("--prompt", default="", help="what the shot shows, in words")
    parser.add_argument(
        "--background",
        choices=("kept", "generated"),
        default="kept",
        help="kept: what the keyframes leave transparent is so in all frames; generated: the model paints it, from the "
        "prompt (default: kept)",
    )


def run(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code. An error is one sentence on standard error, and writes nothing."""
    console = Console(stderr=True, soft_wrap=True)
    try:
        if args.output.resolve() == args.lineart.resolve():
            raise FolderError(
                "The output folder is the line art's own: give another, so that no drawing is overwritten."
            )
        if args.output.exists() and not args.output.is_dir():
            raise FolderError(f"{args.output} is a file: give a folder for the colored frames.")
        source = read_folder(
            args.lineart, args.keyframe, args.size, args.prompt, args.seed, args.finish, args.background, args.quality
        )
        from server.coloring.colorizer import Colorizer  # brings torch, so the input is checked before

        guesses = colorize(source, Colorizer.from_preset(args.preset).open(source.shot), args.output, console)
        if args.guesses:
            listed = {name: [asdict(guess) for guess in guesses[name]] for name in sorted(guesses)}
            args.guesses.parent.mkdir(parents=True, exist_ok=True)
            write_file(args.guesses, (json.dumps(listed, indent=2) + "\n").encode())
    except ValueError as error:  # ours are sentences for people
        console.print(f"Error: {error}", markup=False, highlight=False)
        return 2
    drawn = f"{len(source.files)} frames, {source.exposure.drawing_count} distinct drawings"
    console.print(f"{drawn} → {args.output}", markup=False, highlight=False)
    return 0
