# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m server evaluate`: color clips whose truth is known, and compare."""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from server.coloring.numbered_files import FolderError
from server.evaluation.evaluation import Evaluation
from server.evaluation.measures import Measures
from server.evaluation.methods import METHODS, TABLES, parse_methods
from server.evaluation.metrics import mean, pool
from server.evaluation.perceptual import METRIC_WEIGHTS, MetricWeightsError, load_perceptual_metrics
from server.evaluation.results import ClipResult
from server.evaluation.segments import mean_shares
from server.evaluation.summary import all_guesses
from server.evaluation.tables import number, part_cells, share
from server.images.codec import ImageError
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
        default="table1,consecutive",
        metavar="A,B,…",
        help=f"what to compare: {', '.join((*TABLES, *METHODS))} (default: table1,consecutive)",
    )
    parser.add_argument(
        "--at",
        default="middle",
        metavar="WHERE",
        help="which frames are painted: first, middle, last or frames' numbers, separated by commas (default: middle; "
        "the paper's is first)",
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
    Console().print(color_table(evaluation.results), parts_table(evaluation.results))
    for sentence in metrics.refused.values():
        console.print(sentence, markup=False, highlight=False)
    if args.json:
        args.json.write_text(json.dumps(report(evaluation.results), indent=2) + "\n", encoding="utf-8")
    return 0


def report(results: Sequence[ClipResult]) -> dict[str, object]:
    """The measures as JSON values: clip → method → measures, and `all` over several clips."""
    return {
        title: {method: _values([result.methods[method] for result in group]) for method in results[0].methods}
        for title, group in _groups(results).items()
    }


def color_table(results: Sequence[ClipResult]) -> Table:
    """The colors of all pixels and areas as a table for the terminal."""
    headings = ("mean ΔE", "within ΔE 10", "moved within", "moved", "areas right", "flicker", "PSNR", "SSIM")
    return _table(results, headings, _color)


def parts_table(results: Sequence[ClipResult]) -> Table:
    """The segments, borders and guesses as a table for the terminal."""
    headings = ("segments right", "over 10 px", "pixels", "unexplained borders", "wrong of listed", "listed of wrong")
    return _table(results, headings, _parts)


def _groups(results: Sequence[ClipResult]) -> dict[str, list[ClipResult]]:
    """The results of each clip, and of all together if there are several."""
    groups = {result.path: [result] for result in results}
    return groups | {"all": list(results)} if len(results) > 1 else groups


def _table(
    results: Sequence[ClipResult], headings: Sequence[str], cells: Callable[[Sequence[Measures]], list[str]]
) -> Table:
    """A row for each clip and method, then rows for all clips together."""
    grid = Table("clip", "method")
    for heading in headings:
        grid.add_column(heading, justify="right")
    methods = list(results[0].methods)
    for title, group in _groups(results).items():
        for method in methods:
            row = cells([result.methods[method] for result in group])
            shown = title if method == methods[0] else ""
            grid.add_row(shown, method, *row, end_section=method == methods[-1])
    return grid


def _color(measures: Sequence[Measures]) -> list[str]:
    color = pool(each.color for each in measures)
    psnr, ssim = (mean([mean(each.curves[name]) for each in measures]) for name in ("psnr", "ssim"))
    return [
        number(color.mean_de, 2),
        share(color.within10),
        share(color.within10_moved),
        share(color.moved_share),
        share(mean([each.areas for each in measures])),
        number(mean([each.flicker for each in measures]), 2),
        number(psnr, 2),
        number(ssim, 3),
    ]


def _parts(measures: Sequence[Measures]) -> list[str]:
    segments = mean_shares([each.segments for each in measures])
    return part_cells(segments, mean([each.borders for each in measures]), all_guesses(measures))


def _values(measures: Sequence[Measures]) -> dict[str, object]:
    guesses = all_guesses(measures)
    return {
        **asdict(pool(each.color for each in measures)),
        "areas": mean([each.areas for each in measures]),
        "segments": asdict(mean_shares([each.segments for each in measures])),
        "borders": mean([each.borders for each in measures]),
        "guesses": asdict(guesses) if guesses else None,
    }
