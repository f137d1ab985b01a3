# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m server convert`: the published downloads become the preset `longanimation-5b`."""

import argparse
import errno
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from server.longanimation.convert import ConversionError, Downloads, plan_conversion, verify_folder
from server.longanimation.convert.conversion import PARTIAL
from server.presets.catalogue import PRESET, SETTINGS
from server.presets.disk import DiskFull, check_room, size_of
from server.presets.preset import WEIGHTS

DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}

AGAIN = "Run the same command again: it goes on with what is there."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `python -m server convert`."""
    parser.add_argument("--cogvideox", type=Path, metavar="DIR", help="the folder CogVideoX1.5-5B-I2V")
    parser.add_argument("--control", type=Path, metavar="FILE", help="control_module.safetensors (SketchDiT)")
    parser.add_argument("--memory", type=Path, metavar="FILE", help="glm_module.safetensors (dynamic memory)")
    parser.add_argument("--video-xl", type=Path, metavar="DIR", help="the folder VideoXL_weight_8")
    parser.add_argument(
        "--vision-tower",
        type=Path,
        metavar="DIR",
        help="the folder clip-vit-large-patch14-336, where Video-XL's own files do not hold it",
    )
    output = WEIGHTS / PRESET
    parser.add_argument("--output", type=Path, default=output, metavar="DIR", help="folder to make (%(default)s)")
    parser.add_argument("--dtype", choices=DTYPES, default="bfloat16", help="of all weights (%(default)s)")
    parser.add_argument("--verify", type=Path, metavar="DIR", help="only check a converted folder's checksums")


def run(arguments: argparse.Namespace) -> int:
    """Convert, or verify; return the exit code."""
    if arguments.verify:
        return finishing(lambda: _verify(arguments.verify))
    needed = {name: getattr(arguments, name) for name in ("cogvideox", "control", "memory", "video_xl")}
    missing = [f"--{name.replace('_', '-')}" for name, path in needed.items() if path is None]
    if missing:
        sys.stderr.write(f"To convert, {', '.join(missing)} must be given too; to check a folder, only --verify DIR.\n")
        return 2
    downloads = Downloads(**needed, vision_tower=arguments.vision_tower)
    return finishing(lambda: convert(downloads, arguments.output, DTYPES[arguments.dtype]))


def convert(
    downloads: Downloads,
    output: Path,
    dtype: torch.dtype = torch.bfloat16,
    checksums: Mapping[Path, str] | None = None,
) -> None:
    """Convert with progress on the terminal. Raises ConversionError, DiskFull and OSError."""
    conversion = plan_conversion(downloads, output, dtype, SETTINGS, checksums)
    there = size_of(output.parent / PARTIAL / output.name)
    check_room({output.parent: max(0, conversion.bytes - there)})
    with _progress() as progress:
        task = progress.add_task("Converting", total=conversion.bytes)
        conversion.run(lambda done: progress.advance(task, done))
    sys.stdout.write(f"{output} is complete, and its checksums are in it.\n")


def _verify(folder: Path) -> None:
    with _progress() as progress:
        task = progress.add_task("Checking", total=size_of(folder))
        count = verify_folder(folder, lambda done: progress.advance(task, done))
    sys.stdout.write(f"{folder} is as it was converted: {count} files.\n")


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))


def finishing(work: Callable[[], None]) -> int:
    """Run `work`; return 0, or say in a sentence why it ended and return 1."""
    try:
        work()
    except (ConversionError, DiskFull) as error:
        sys.stderr.write(f"{error}\n")
    except KeyboardInterrupt:
        sys.stderr.write(f"Interrupted. {AGAIN}\n")
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        sys.stderr.write(f"The disk is full ({error.filename or error}). Free some space. {AGAIN}\n")
    else:
        return 0
    return 1
