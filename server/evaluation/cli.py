# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m server evaluate`: color clips whose truth is known, and compare."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from server.coloring.folder import FolderError
from server.evaluation.comparison import as_report
from server.evaluation.evaluation import Evaluation
from server.evaluation.methods import METHODS, TABLES, parse_methods
from server.evaluation.metrics import pool
from server.evaluation.perceptual import METRIC_WEIGHTS, MetricWeightsError, load_perceptual_metrics
from server.evaluation.results import ClipResult
from server.evaluation.summary import mean
from server.evaluation.tables import number, share
from server.image_codec import ImageError
from server.presets.preset import UnknownPreset, find_preset


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument(
        "clips", type=Path, nargs="+", metavar="CLIP_DIR", help="holds lineart/NNNN.png and color/NNNN.png"
    )
    parser.add_argument("--preset", default="tiny", help="the model to use (default: tiny)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers to this file")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="write tables, plots and contact sheets to this folder; finished clips are not measured again",
    )
    parser.add_argument(
        "--methods",
        default="table1",
        metavar="A,B,…",
        help=f"what to compare: {', '.join((*TABLES, *METHODS))} (default: table1)",
    )
    parser.add_argument(
        "--at",
        default="middle",
        metavar="WHERE",
        help="which frame is painted: middle, first or a frame's number (default: middle; the paper's is first)",
    )
    parser.add_argument(
        "--metric-weights",
        type=Path,
        default=METRIC_WEIGHTS,
        metavar="DIR",
        help="holds the published weights of LPIPS, FID and FVD (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Run the command. Returns the exit code."""
    console = Console(stderr=True, soft_wrap=True)
    try:
        names = [folder.resolve().name for folder in args.clips]
        if args.output and len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise FolderError(f"Two clips are called {twice}: give each folder a name of its own.")
        methods, preset = parse_methods(args.methods), find_preset(args.preset)
        metrics = load_perceptual_metrics(args.metric_weights)
        evaluation = Evaluation(methods, preset, metrics, args.seed, args.at, args.output, console)
        for folder in args.clips:
            evaluation.add(folder)
        evaluation.write()
    except (FolderError, ImageError, UnknownPreset, MetricWeightsError) as error:
        console.print(f"Error: {error}", markup=False, highlight=False)
        return 2
    Console().print(table(evaluation.results))
    for sentence in metrics.refused.values():
        console.print(sentence, markup=False, highlight=False)
    if args.json:
        args.json.write_text(json.dumps(report(evaluation.results), indent=2) + "\n", encoding="utf-8")
    return 0


def report(results: Sequence[ClipResult]) -> dict[str, object]:
    """The color errors as JSON values: clip → method → error, and `all` over several clips."""
    errors = {result.path: {name: each.color for name, each in result.methods.items()} for result in results}
    if len(results) > 1:
        errors["all"] = {name: pool(clip[name] for clip in errors.values()) for name in results[0].methods}
    return {clip: as_report(methods) for clip, methods in errors.items()}


def table(results: Sequence[ClipResult]) -> Table:
    """The results as a table for the terminal: a row for each clip and method, then rows for all clips together."""
    grid = Table("clip", "method")
    headings = ("mean ΔE", "within ΔE 10", "moved within", "moved", "areas right", "flicker", "PSNR", "SSIM")
    for heading in headings:
        grid.add_column(heading, justify="right")
    groups = {result.path: [result] for result in results}
    if len(results) > 1:
        groups["all"] = list(results)
    methods = list(results[0].methods)
    for title, group in groups.items():
        for method in methods:
            measures = [result.methods[method] for result in group]
            color = pool(each.color for each in measures)
            psnr, ssim = (mean([mean(each.curves[name]) for each in measures]) for name in ("psnr", "ssim"))
            grid.add_row(
                title if method == methods[0] else "",
                method,
                number(color.mean_de, 2),
                share(color.within10),
                share(color.within10_moved),
                share(color.moved_share),
                share(mean([each.areas for each in measures])),
                number(mean([each.flicker for each in measures]), 2),
                number(psnr, 2),
                number(ssim, 3),
                end_section=method == methods[-1],
            )
    return grid
