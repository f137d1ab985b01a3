# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m server train STAGE`: one resumable command for each stage."""

import argparse
import logging
import math
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from .line_extraction import EXTRACTORS
from .recipe import add_arguments as add_recipe_arguments
from .recipe import read_recipe

_log = logging.getLogger(__name__)

STAGES: dict[str, dict[str, Any]] = {
    "sources": {},
    "sakuga": {},
    "clips": {"size": (640, 384)},
    "validation": {},
    "match": {"size": (320, 192), "batch": 8, "rate": 1e-3},
    "settle": {"size": (384, 216), "batch": 4, "rate": 1e-3},
    "vae": {"size": (256, 144), "drawings": 2, "batch": 4, "rate": 2e-3},
    "sketch": {"size": (192, 112), "drawings": 5, "batch": 12, "rate": 1.5e-3},
    "describe": {"size": (256, 144), "drawings": 1, "history": 10, "batch": 8, "rate": 1e-3},
    "memory": {"size": (256, 144), "drawings": 5, "history": 12, "batch": 8, "rate": 1e-3},
    "reward": {"size": (256, 144), "drawings": 5, "history": 12, "batch": 2, "rate": 1e-4},
    "preset": {},
}
"""The stages in order, and each one's default settings for the tiny stack."""

SHARED = {"minutes": 60.0, "hints": 0.8, "final_rate": 0.1, "sampling": 4, "guidance": 1.0}
"""Further default settings for the tiny stack, of all stages."""

PAPER = {"size": (1024, 576), "drawings": 81, "batch": 1, "rate": 1e-5, "final_rate": 1.0}
ON_BASE: dict[str, dict[str, Any]] = {
    "sketch": {**PAPER, "steps": 30_000, "minutes": math.inf},
    "memory": {**PAPER, "steps": 10_000, "minutes": math.inf, "history": 160},
    "reward": {**PAPER, "steps": 10_000, "minutes": math.inf, "history": 160},
}
"""Default settings on a base: those of the paper (§4.1). It does not say how much history there is in training. The
authors' code takes 241 consecutive frames of a clip, of which the last 81 are the segment."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `train`."""
    parser.add_argument("stage", choices=STAGES, help="what to train, in this order; `preset` assembles the result")
    parser.add_argument("--output", type=Path, required=True, help="folder of the run: checkpoints, log, weights")
    parser.add_argument(
        "--base", type=Path, help="folder of a pipeline to train on, such as the converted published one; it is frozen"
    )
    parser.add_argument(
        "--minutes", type=float, help="minutes to train in this call (60; on a base, until all steps are done)"
    )
    parser.add_argument(
        "--steps",
        type=int,
        help="stop when the stage has done this many steps in all (on a base 30,000 for sketch, 10,000 for memory and "
        "reward, as in the paper)",
    )
    parser.add_argument(
        "--seen", type=int, default=0, help="samples that the initial weights have already seen (%(default)s)"
    )
    parser.add_argument("--size", type=_size, help="WxH of the training drawings")
    parser.add_argument("--drawings", type=int, help="drawings in a segment")
    parser.add_argument("--history", type=int, help="colored drawings to remember or to describe")
    parser.add_argument("--batch", type=int, help="samples per step, in each process")
    parser.add_argument("--accumulate", type=int, default=1, help="batches a step (%(default)s)")
    parser.add_argument("--rate", type=float, help="the highest learning rate (on a base 1e-5, as in the paper)")
    parser.add_argument(
        "--final-rate",
        type=float,
        metavar="SHARE",
        help="share of the learning rate to which it falls in a call; the paper has one rate (1 on a base, otherwise "
        f"{SHARED['final_rate']:g})",
    )
    parser.add_argument(
        "--precision", choices=("no", "bf16"), default="bf16", help="number format; bf16 needs a recent processor"
    )
    parser.add_argument("--recompute", action="store_true", help="save memory: compute activations twice")
    parser.add_argument(
        "--shard",
        action="store_true",
        help="with several processes on a base: keep only a part of the frozen weights in each; no pictures",
    )
    parser.add_argument("--workers", type=int, default=1, help="processes that draw samples (%(default)s)")
    parser.add_argument("--pictures", type=float, default=10, help="minutes between sample grids (%(default)g)")
    parser.add_argument(
        "--sources",
        type=Path,
        help="folder of shapes that the stage `sources` fetched, or of clips that `clips` stored",
    )
    parser.add_argument(
        "--clips",
        type=Path,
        metavar="DIR",
        help="stage clips: folder of colored clips, in the layout of Sakuga-42M or plain; stage sakuga: its tables",
    )
    parser.add_argument(
        "--connections", type=int, default=2, help="stage sakuga: downloads at the same time (%(default)s)"
    )
    parser.add_argument(
        "--lines",
        choices=EXTRACTORS,
        help="stage clips: what draws the lines of clips; the paper has informative-drawings, which is the default "
        "where `install.py models informative-drawings` has fetched it, and dog, a difference of Gaussians, otherwise",
    )
    parser.add_argument(
        "--hints",
        type=float,
        help=f"share of samples with hints, which the paper does not have (0 on a base, otherwise {SHARED['hints']:g})",
    )
    parser.add_argument("--memory", choices=("local", "global", "both"), default="both", help="what DGLM reads")
    parser.add_argument(
        "--ratio",
        type=_ratio,
        help="stages memory, reward, preset: compression of the memory. `dynamic` is 2, 4 or 8 by how much changes, as "
        "in the paper (§3.2.2); the default is the base's, 8 for the published weights, as in the authors' code",
    )
    parser.add_argument(
        "--blocks",
        type=int,
        help="stage match: blocks of the line matcher's transformer; weights with fewer are given more, which change "
        "nothing at first",
    )
    parser.add_argument("--joint", action="store_true", help="stage memory: also train Video-XL")
    parser.add_argument("--colorings", type=int, default=4, help="stage reward: samples of each shot (%(default)s)")
    parser.add_argument(
        "--sampling",
        type=int,
        help="stage reward: denoising steps of each coloring; the paper does not say how many (as many as at inference "
        f"on a base, otherwise {SHARED['sampling']})",
    )
    parser.add_argument(
        "--guidance",
        type=float,
        help="stage reward: scale of guidance in each coloring; the paper does not give it (as at inference on a base, "
        "otherwise 1, which is none)",
    )
    parser.add_argument("--compile", action="store_true", help="stage sketch: torch.compile, needs a C++ compiler")
    add_recipe_arguments(parser)


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size: give width and height, such as 256x144")
    return int(width), int(height)


def _ratio(text: str) -> int | str:
    if text != "dynamic" and not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a ratio: give a number, such as 8, or dynamic")
    return text if text == "dynamic" else int(text)


def run(args: argparse.Namespace) -> int:
    """Run the command. Returns the exit code."""
    try:
        _run(args)
    except (ValueError, OSError, FloatingPointError) as error:
        _log.debug("train %s", args.stage, exc_info=True)
        Console(stderr=True, soft_wrap=True).print(f"Error: {error}", markup=False, highlight=False)
        return 2
    return 0


def _run(args: argparse.Namespace) -> None:
    """Run one stage. The imports are here, so that `--help` needs neither torch nor the packages for training."""
    for name, value in _defaults(args.stage, args.base).items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    if args.stage == "sources":
        from .sources import fetch_sources

        fetch_sources(args.output, report=lambda line: print(line, file=sys.stderr))  # noqa: T201
    elif args.stage == "sakuga":
        from .sakuga import fetch_sakuga

        if args.clips is None:
            raise ValueError("Give the folder of Sakuga-42M's tables with --clips DIR.")
        fetch_sakuga(args.clips, args.output, connections=args.connections)
    elif args.stage == "clips":
        from .line_extraction import choose_extractor
        from .sources import store_clips

        if args.clips is None:
            raise ValueError("Give the folder of your clips with --clips DIR.")
        width, height = args.size
        store_clips(args.clips, args.output, width, height, extractor=choose_extractor(args.lines))
    elif args.stage == "validation":
        from .validation import write_validation

        write_validation(args.output, sources=args.sources)
    elif args.stage == "preset":
        from .preset import assemble_preset

        assemble_preset(args.output, args.base, hints=args.hints > 0, ratio=args.ratio)
    else:
        _train(args)


def _defaults(stage: str, base: Path | None) -> dict[str, Any]:
    """Return the default settings of a stage. On a base, colorings are sampled as its preset says."""
    settings = SHARED | STAGES[stage]
    if base is None:
        return settings
    from .preset import read_settings

    preset = read_settings(base)
    inference = {
        "hints": 0.0,
        "sampling": preset["steps"],
        "guidance": preset["guidance"],
        "ratio": preset.get("memory_ratio"),
    }
    return settings | inference | ON_BASE.get(stage, {})


def _train(args: argparse.Namespace) -> None:
    from .samples import SampleShape
    from .stage import Settings

    width, height = args.size
    shape = SampleShape(args.drawings or 1, height, width, args.history or 0, args.sources, read_recipe(args))
    settings = Settings(
        minutes=args.minutes,
        steps=args.steps,
        batch=args.batch,
        rate=args.rate,
        final_rate=args.final_rate,
        precision=args.precision,
        accumulate=args.accumulate,
        workers=args.workers,
        recompute=args.recompute,
        base=args.base,
        shard=args.shard,
        pictures=args.pictures,
        seen=args.seen,
    )
    if args.stage == "match":
        from .stages.match import train_match
        from .stories import StoryShape

        train_match(args.output, StoryShape(height, width, args.sources), settings, args.blocks)
    elif args.stage == "settle":
        from server.presets.preset import WEIGHTS

        from .stages.settle import train_settle

        own = args.output / "line_matcher"
        train_settle(args.output, own if own.is_dir() else WEIGHTS / "line_matcher", args.sources, settings)
    elif args.stage == "vae":
        from .stages.vae import train_vae

        train_vae(args.output, shape, settings)
    elif args.stage == "sketch":
        from .stages.sketch import train_sketch

        train_sketch(args.output, shape, settings, args.hints, args.compile)
    elif args.stage == "describe":
        from .stages.describe import train_describe

        train_describe(args.output, shape, settings)
    elif args.stage == "memory":
        from .stages.memory import train_memory

        train_memory(args.output, shape, settings, args.hints, args.memory, args.joint, args.ratio)
    else:
        from .stages.reward import train_reward

        train_reward(
            args.output,
            shape,
            settings,
            args.hints,
            args.memory,
            args.colorings,
            args.sampling,
            args.guidance,
            args.ratio,
        )
