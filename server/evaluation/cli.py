# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m server evaluate`: colour clips whose truth is known, and compare."""

from __future__ import annotations

import argparse
import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from server.colorize.folder import FolderError
from server.colorize.presets import UnknownPreset
from server.colorize.shot import Shot
from server.evaluation.clip import Clip, read_clip
from server.evaluation.comparison import METHODS, as_report, compare
from server.evaluation.metrics import ColorError, pool
from server.images import ImageError

if TYPE_CHECKING:
    from server.colorize.colorizer import Colorizer


@functools.cache
def _load(preset: str) -> Colorizer:
    """Load a preset when the first clip is ready for it, and once for all clips."""
    from server.colorize.colorizer import Colorizer  # brings torch

    return Colorizer.from_preset(preset)


def color_clip(clip: Clip, at: int, preset: str, seed: int, progress: Progress, title: str) -> list[np.ndarray]:
    """Colour a clip from the painting of drawing number `at`; returns one RGB uint8 [H, W, 3] a drawing."""
    coloring = _load(preset).open(Shot(clip.drawings, {at: clip.truth[at]}, seed=seed))
    frames: dict[int, np.ndarray] = {}
    bar = progress.add_task(title, total=len(coloring.segments))
    for index in range(len(coloring.segments)):
        frames.update(coloring.color(index).frames)
        progress.advance(bar)
    return [frames[index] for index in range(len(clip.drawings))]


def table(errors: dict[str, dict[str, ColorError]]) -> Table:
    """The results as a table: a row a clip and method."""
    result = Table("clip", "method")
    for heading in ("mean ΔE", "within ΔE 10", "moved pixels within ΔE 10", "moved"):
        result.add_column(heading, justify="right")
    for clip, methods in errors.items():
        for method, error in methods.items():
            moved = "–" if error.within10_moved is None else f"{error.within10_moved:.1%}"
            result.add_row(
                clip if method == METHODS[0] else "",
                method,
                f"{error.mean_de:.2f}",
                f"{error.within10:.1%}",
                moved,
                f"{error.moved_share:.1%}",
                end_section=method == METHODS[-1],
            )
    return result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument(
        "clips", type=Path, nargs="+", metavar="CLIP_DIR", help="holds lineart/NNNN.png and color/NNNN.png"
    )
    parser.add_argument("--preset", default="tiny", help="the model to use (default: tiny)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers to this file")


def run(args: argparse.Namespace) -> int:
    """Run the command: the keyframe is each clip's middle frame. Returns the exit code."""
    console = Console(stderr=True, soft_wrap=True)
    errors: dict[str, dict[str, ColorError]] = {}
    try:
        with Progress(console=console) as progress:
            for folder in args.clips:
                clip = read_clip(folder / "lineart", folder / "color")
                at = clip.exposure.drawing_of[len(clip.numbers) // 2]
                ours = color_clip(clip, at, args.preset, args.seed, progress, folder.name)
                errors[str(folder)] = compare(clip.drawings, clip.truth, ours, clip.truth[at], at, clip.holds)
    except (FolderError, ImageError, UnknownPreset) as error:
        console.print(f"Error: {error}", markup=False, highlight=False)
        return 2
    if len(errors) > 1:
        errors["all"] = {method: pool(clip[method] for clip in errors.values()) for method in METHODS}
    Console().print(table(errors))
    if args.json:
        report = {clip: as_report(methods) for clip, methods in errors.items()}
        args.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0
