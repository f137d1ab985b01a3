# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m server train STAGE`: one command a stage, resumable."""

import argparse
from dataclasses import replace
from pathlib import Path

STAGES = ("vae", "sketch", "memory", "preset")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `train`."""
    parser.add_argument("stage", choices=STAGES, help="what to train, in this order; `preset` puts it all together")
    parser.add_argument("--output", type=Path, required=True, help="folder of the run: checkpoints, log, weights")
    parser.add_argument("--minutes", type=float, default=60, help="how long to train in this call")
    parser.add_argument("--size", default="192x112", help="WxH of the training drawings, multiples of 16")
    parser.add_argument("--drawings", type=int, default=5, help="drawings in a segment")
    parser.add_argument("--history", type=int, default=12, help="coloured drawings to remember, stage memory")
    parser.add_argument("--batch", type=int, default=12, help="samples a step")
    parser.add_argument("--rate", type=float, default=1.5e-3, help="learning rate at the start")
    parser.add_argument("--compile", action="store_true", help="use torch.compile, which needs a C++ compiler")


def run(args: argparse.Namespace) -> int:
    """Run one stage. Imports are here, so that `--help` needs neither torch nor what only training needs."""
    from .samples import SampleShape

    width, height = (int(side) for side in args.size.split("x"))
    shape = SampleShape(args.drawings, height, width)
    if args.stage == "vae":
        from .vae import train_vae

        train_vae(args.output, args.minutes)
    elif args.stage == "sketch":
        from .sketch import train_sketch

        train_sketch(args.output, args.minutes, shape, args.batch, args.rate, args.compile)
    elif args.stage == "memory":
        from .memory import train_memory

        train_memory(args.output, args.minutes, replace(shape, history=args.history), args.batch, args.rate)
    else:
        from .preset import assemble_preset

        assemble_preset(args.output)
    return 0
