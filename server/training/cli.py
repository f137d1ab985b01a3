# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m server train STAGE`: one resumable command for each stage."""

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

_log = logging.getLogger(__name__)

STAGES: dict[str, dict[str, Any]] = {
    "sources": {},
    "clips": {"size": (640, 384)},
    "validation": {},
    "match": {"size": (320, 192), "batch": 8, "rate": 1e-3},
    "vae": {"size": (256, 144), "drawings": 2, "batch": 4, "rate": 2e-3},
    "sketch": {"size": (192, 112), "drawings": 5, "batch": 12, "rate": 1.5e-3},
    "describe": {"size": (256, 144), "drawings": 1, "history": 10, "batch": 8, "rate": 1e-3},
    "memory": {"size": (256, 144), "drawings": 5, "history": 12, "batch": 8, "rate": 1e-3},
    "reward": {"size": (256, 144), "drawings": 5, "history": 12, "batch": 2, "rate": 1e-4},
    "preset": {},
}
"""The stages in order, and each one's default settings for the tiny stack."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `train`."""
    parser.add_argument("stage", choices=STAGES, help="what to train, in this order; `preset` assembles the result")
    parser.add_argument("--output", type=Path, required=True, help="folder of the run: checkpoints, log, weights")
    parser.add_argument(
        "--base", type=Path, help="folder of a pipeline to train on, such as the converted published one; it is frozen"
    )
    parser.add_argument("--minutes", type=float, default=60, help="minutes to train in this call (%(default)g)")
    parser.add_argument("--steps", type=int, help="stop when the stage has done this many steps in all")
    parser.add_argument(
        "--seen", type=int, default=0, help="samples that the initial weights have already seen (%(default)s)"
    )
    parser.add_argument("--size", type=_size, help="WxH of the training drawings")
    parser.add_argument("--drawings", type=int, help="drawings in a segment")
    parser.add_argument("--history", type=int, help="colored drawings to remember or to describe")
    parser.add_argument("--batch", type=int, help="samples per step, in each process")
    parser.add_argument("--accumulate", type=int, default=1, help="batches a step (%(default)s)")
    parser.add_argument("--rate", type=float, help="learning rate at the start")
    parser.add_argument(
        "--precision", choices=("no", "bf16"), default="bf16", help="number format; bf16 needs a recent processor"
    )
    parser.add_argument("--recompute", action="store_true", help="save memory: compute activations twice")
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
        help="stage clips: folder of colored clips, in the layout of Sakuga-42M or plain",
    )
    parser.add_argument("--hints", type=float, default=0.8, help="share of samples with hints (%(default)s)")
    parser.add_argument("--memory", choices=("local", "global", "both"), default="both", help="what DGLM reads")
    parser.add_argument("--joint", action="store_true", help="stage memory: also train Video-XL")
    parser.add_argument("--colorings", type=int, default=4, help="stage reward: samples of each shot (%(default)s)")
    parser.add_argument("--sampling", type=int, default=4, help="stage reward: denoising steps (%(default)s)")
    parser.add_argument("--compile", action="store_true", help="stage sketch: torch.compile, needs a C++ compiler")


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size: give width and height, such as 256x144")
    return int(width), int(height)


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
    for name, value in STAGES[args.stage].items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    if args.stage == "sources":
        from .sources import fetch_sources

        fetch_sources(args.output, report=lambda line: print(line, file=sys.stderr))  # noqa: T201
    elif args.stage == "clips":
        from .sources import store_clips

        if args.clips is None:
            raise ValueError("Give the folder of your clips with --clips DIR.")
        store_clips(args.clips, args.output, *args.size)
    elif args.stage == "validation":
        from .validation import write_validation

        write_validation(args.output, sources=args.sources)
    elif args.stage == "preset":
        from .preset import assemble_preset

        assemble_preset(args.output, args.base, hints=args.hints > 0)
    else:
        _train(args)


def _train(args: argparse.Namespace) -> None:
    from .samples import SampleShape
    from .stage import Settings

    width, height = args.size
    binary_sketches = args.base is not None  # the tiny stack was trained on gray ones
    shape = SampleShape(args.drawings or 1, height, width, args.history or 0, args.sources, binary_sketches)
    settings = Settings(
        minutes=args.minutes,
        steps=args.steps,
        batch=args.batch,
        rate=args.rate,
        precision=args.precision,
        accumulate=args.accumulate,
        workers=args.workers,
        recompute=args.recompute,
        base=args.base,
        pictures=args.pictures,
        seen=args.seen,
    )
    if args.stage == "match":
        from .stages.match import train_match
        from .stories import StoryShape

        train_match(args.output, StoryShape(height, width, args.sources), settings)
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

        train_memory(args.output, shape, settings, args.hints, args.memory, args.joint)
    else:
        from .stages.reward import train_reward

        train_reward(args.output, shape, settings, args.hints, args.memory, args.colorings, args.sampling)
