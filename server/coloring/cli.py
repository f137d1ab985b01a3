# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m server colorize`: color a folder of line art without a server."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from server.files import write_file
from server.images.codec import Density, encode_png, read_density, read_size
from server.images.formats import ACCEPTED
from server.presets.preset import check_background, find_preset
from shared import xdts
from shared.errors import PaletteError
from shared.manifest import MOST_GAP, SMALLEST_REGION, Quality
from shared.palette import Palette
from shared.palette_files import read_palette
from shared.protocol import ProtocolError
from shared.traces import TraceFill, require_traces

from .folder import FolderShot, read_folder
from .numbered_files import FolderError, Size
from .sheet_files import SheetFiles
from .shot import Guess

if TYPE_CHECKING:
    from .shot_coloring import ShotColoring

SETTINGS = ("prompt", "seed", "finish", "quality", "background", "trace_fill", "gap", "smallest_region")
"""The arguments that are fields of the shot, here and on a server."""


def parse_size(text: str) -> Size:
    """Read `WxH` in pixels."""
    found = re.fullmatch(r"([1-9][0-9]*)[x×]([1-9][0-9]*)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"a size is written as 1920x1080, not {text!r}")
    return int(found[1]), int(found[2])


def parse_palette(path: str) -> Palette:
    """Read a palette file."""
    try:
        return read_palette(Path(path))
    except PaletteError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def parse_trace(text: str) -> str:
    """Read the color of color-trace lines, as `#rrggbb` with or without the `#`."""
    color = f"#{text.removeprefix('#').lower()}"
    try:
        require_traces((color,))
    except ProtocolError as error:
        raise argparse.ArgumentTypeError(error.sentence) from error
    return color


def parse_gap(text: str) -> float:
    """Read the widest break in a line that is closed always, in heights of a drawing."""
    try:
        gap = float(text)
    except ValueError:
        gap = -1.0
    if not 0 <= gap <= MOST_GAP:
        raise argparse.ArgumentTypeError(f"a gap is from 0 to {MOST_GAP} heights of a drawing, not {text}")
    return gap


def parse_smallest(text: str) -> int:
    """Read the fewest pixels of a region."""
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise argparse.ArgumentTypeError(f"the smallest region is a number of pixels from 1, not {text}")
    return int(text)


def frame_path(output: Path, drawing: Path) -> Path:
    """Return where the frame of a drawing's file is written."""
    return output / f"{drawing.stem}.png"


def _density(drawing: Path, frame: np.ndarray) -> Density | None:
    """The density of a frame [H, W, C], which is its drawing's unless it is scaled."""
    return read_density(drawing) if read_size(drawing) == frame.shape[1::-1] else None


def colorize(source: FolderShot, coloring: ShotColoring, output: Path, console: Console) -> dict[str, list[Guess]]:
    """Color a folder's shot and write each frame as a PNG of its drawing's name as soon as its segment is done.

    coloring: the coloring of `source.shot`. Returns the regions that may have the wrong color, keyed by the name of a
    drawing's first file.
    """
    output.mkdir(parents=True, exist_ok=True)
    drawing_of: dict[Path, int] = {}
    for path, drawing in zip(source.files, source.exposure.drawing_of, strict=True):
        drawing_of.setdefault(path, drawing)
    frames_of: dict[int, list[Path]] = {}
    for path, drawing in drawing_of.items():
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
                content = encode_png(image, _density(frames_of[drawing][0], image))
                for path in frames_of[drawing]:
                    write_file(frame_path(output, path), content)
            guesses |= {frames_of[drawing][0].name: found for drawing, found in result.guesses.items()}
            if result.note:
                console.print(result.note, markup=False, highlight=False)
            progress.update(bar, completed=index + 1)
    if guesses:
        worst = max(guesses, key=lambda name: sum(guess.share for guess in guesses[name]))
        console.print(
            f"{len(guesses)} of {source.exposure.drawing_count} drawings have regions whose color is a guess. "
            f"{worst} has the most: paint it as another keyframe.",
            markup=False,
            highlight=False,
        )
    return guesses


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    add_shot_arguments(parser)
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder for the colored frames; with --xdts it gets an exposure sheet, too",
    )
    parser.add_argument(
        "--guesses", type=Path, metavar="FILE", help="write the regions whose color is a guess to this file, as JSON"
    )
    parser.add_argument("--size", type=parse_size, metavar="WxH", help="size of the result (default: the line art's)")


def add_shot_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say what is colored and how, here or on a server."""
    parser.add_argument("lineart", type=Path, metavar="LINEART_DIR", help=f"folder of numbered line art ({ACCEPTED})")
    parser.add_argument(
        "--keyframe",
        action="append",
        default=[],
        metavar="FILE[@FRAME]",
        help="a painted frame; its number is the one after @ or in its name; may be given several times",
    )
    parser.add_argument(
        "--reference",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a model sheet: a painted picture of figures that the keyframes do not show; may be given several times",
    )
    parser.add_argument(
        "--number",
        type=int,
        metavar="N",
        help="which number in the names of the line art is the frame: 1 is the first, -1 the last (default: the one "
        "that varies)",
    )
    parser.add_argument(
        "--xdts",
        type=Path,
        metavar="FILE",
        help="an exposure sheet that names the cel of each frame; a keyframe is then FILE@CEL",
    )
    parser.add_argument(
        "--column",
        default="",
        metavar="NAME",
        help="the sheet's column with these drawings (default: the only one, or the one called as the folder)",
    )
    parser.add_argument(
        "--accept-errors",
        action="store_true",
        help="color although a drawing seems to be white on black, or a keyframe is transparent all over",
    )
    parser.add_argument(
        "--palette",
        type=parse_palette,
        metavar="FILE",
        help="names of the keyframes' colors (.gpl, .ase); those that look the same stay apart",
    )
    parser.add_argument(
        "--trace",
        type=parse_trace,
        action="append",
        default=[],
        metavar="COLOR",
        help="the color of color-trace lines, such as ff0000: they part colors and are not seen in the result; may be "
        "given several times",
    )
    parser.add_argument(
        "--trace-fill",
        choices=get_args(TraceFill),
        default="sides",
        help="what is seen instead of color-trace lines: half of a line in the color of each side, or all of it in "
        "that of the darker side (default: sides)",
    )
    parser.add_argument(
        "--gap",
        type=parse_gap,
        default=0.0,
        metavar="N",
        help=f"close breaks in lines up to this width, in heights of a drawing, 0 to {MOST_GAP} (default: 0, the "
        "colors decide which breaks leak)",
    )
    parser.add_argument(
        "--smallest-region",
        type=parse_smallest,
        default=SMALLEST_REGION,
        metavar="PIXELS",
        help="areas between lines that have fewer pixels take the color of the nearest region (default: "
        f"{SMALLEST_REGION})",
    )
    parser.add_argument("--preset", default="tiny", help="the model to use (default: tiny)")
    parser.add_argument("--finish", choices=("painted", "flats"), default="flats", help="default: flats")
    parser.add_argument(
        "--quality",
        choices=get_args(Quality),
        default="auto",
        help="auto: what the preset recommends; draft: to look at a take; final: almost exact, in a third of the "
        "steps; exact; preview: without the model (default: auto)",
    )
    parser.add_argument("--seed", type=int, default=0, help="another seed gives another result (default: 0)")
    parser.add_argument("--prompt", default="", help="what the shot shows, in words")
    parser.add_argument(
        "--background",
        choices=("kept", "generated"),
        default="kept",
        help="kept: what is transparent in the keyframes stays transparent in all frames; generated: the model paints "
        "it from the prompt (default: kept)",
    )


def _described(guess: Guess, palette: Palette | None) -> dict[str, object]:
    """A guess as it is listed, with the names of its colors if there is a palette; null for a color that it lacks."""
    described: dict[str, object] = asdict(guess)
    if palette is not None:
        names = {swatch.color: swatch.name for swatch in reversed(palette.swatches)}
        described |= {"name": names.get(guess.color), "runner_up_name": names.get(guess.runner_up)}
    return described


def read_exposure_sheet(args: argparse.Namespace) -> SheetFiles | None:
    """The images as the exposure sheet shows them, if there is one. Raises FolderError."""
    if args.xdts is None:
        if args.column:
            raise FolderError("--column chooses a column of an exposure sheet: give the sheet with --xdts.")
        return None
    if args.number is not None:
        raise FolderError("--number and --xdts exclude each other: the sheet names the cel of each frame.")
    return SheetFiles.find(args.lineart, args.xdts, args.column)


def _refuse_overwriting(written: Iterable[Path], read: Iterable[Path]) -> None:
    """Raise FolderError if a file that will be written is one that was read, under whatever path."""
    inputs = {(found.st_dev, found.st_ino): path for path in read if (found := path.stat())}
    for path in written:
        if path.exists() and (source := inputs.get((path.stat().st_dev, path.stat().st_ino))):
            raise FolderError(f"{source} would be overwritten: give another folder with --output.")


def run(args: argparse.Namespace) -> int:
    """Run the command and return the exit code. On an error, print one sentence to standard error and write nothing."""
    console = Console(stderr=True, soft_wrap=True)
    try:
        if args.output.exists() and not args.output.is_dir():
            raise FolderError(f"{args.output} is a file: give a folder for the colored frames.")
        check_background(find_preset(args.preset), args.background)
        by_sheet = read_exposure_sheet(args)
        source = read_folder(
            args.lineart,
            args.keyframe,
            args.size,
            args.number,
            args.accept_errors,
            args.reference,
            args.trace,
            by_sheet,
            palette=[swatch.color for swatch in args.palette.swatches] if args.palette else [],
            **{name: getattr(args, name) for name in SETTINGS},
        )
        written = [frame_path(args.output, path) for path in source.files]
        written += [args.guesses] if args.guesses else []
        read = [*source.files, *source.paintings]
        if by_sheet:
            written.append(args.output / args.xdts.name)
            read.append(args.xdts)
        _refuse_overwriting(written, read)
        for note in source.notes:
            console.print(note, markup=False, highlight=False)
        from server.coloring.colorizer import Colorizer  # imports torch, so the input is checked first

        guesses = colorize(source, Colorizer.from_preset(args.preset).open(source.shot), args.output, console)
        if by_sheet:
            write_file(args.output / args.xdts.name, xdts.write(by_sheet.sheet))
        if args.guesses:
            listed = {name: [_described(guess, args.palette) for guess in guesses[name]] for name in sorted(guesses)}
            args.guesses.parent.mkdir(parents=True, exist_ok=True)
            write_file(args.guesses, (json.dumps(listed, indent=2) + "\n").encode())
    except ValueError as error:  # our own messages are written for people
        console.print(f"Error: {error}", markup=False, highlight=False)
        return 2
    drawn = f"{len(source.files)} frames, {source.exposure.drawing_count} distinct drawings"
    console.print(f"{drawn} → {args.output}", markup=False, highlight=False)
    return 0
