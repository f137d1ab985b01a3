# SPDX-License-Identifier: GPL-3.0-or-later
"""The conversion of the published downloads to the preset `longanimation-5b`, with progress on the terminal."""

import errno
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from server.longanimation.convert import ConversionError, Downloads, plan_conversion, verify_folder
from server.longanimation.convert.conversion import PARTIAL
from server.presets.disk import DiskFull, check_room, size_of
from server.presets.published_preset import SETTINGS

AGAIN = "Run the same command again: it continues from there."


def convert(
    downloads: Downloads,
    output: Path,
    dtype: torch.dtype = torch.bfloat16,
    checksums: Mapping[Path, str] | None = None,
) -> None:
    """Convert downloads to a preset in `output`. Raises ConversionError, DiskFull or OSError."""
    conversion = plan_conversion(downloads, output, dtype, SETTINGS, checksums)
    there = size_of(output.parent / PARTIAL / output.name)
    check_room({output.parent: max(0, conversion.bytes - there)})
    with _progress() as progress:
        task = progress.add_task("Converting", total=conversion.bytes)
        conversion.run(lambda done: progress.advance(task, done))
    sys.stdout.write(f"{output} is complete, and its checksums are in it.\n")


def verify(folder: Path) -> None:
    """Compare a converted folder with its checksums. Raises ConversionError or OSError."""
    with _progress() as progress:
        task = progress.add_task("Checking", total=size_of(folder))
        count = verify_folder(folder, lambda done: progress.advance(task, done))
    sys.stdout.write(f"{folder} is as it was converted: {count} files.\n")


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))


def exit_code(work: Callable[[], None]) -> int:
    """Run `work` and return 0. If it fails, print the reason in one sentence and return 1."""
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
