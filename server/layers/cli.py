# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m server psd`: the layers of a take as layered PSDs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from server.files import make_folder, write_file

from .document import DocumentError, read_document
from .psd import psd_of

_UNUSABLE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument(
        "take", type=Path, metavar="TAKE", help="folder of a take that Blender parted by layers, or an OCA document"
    )
    parser.add_argument("--output", type=Path, metavar="DIR", help="folder of the PSDs (psd in the document's folder)")


def run(arguments: argparse.Namespace) -> int:
    """Write a PSD for each drawing, named by its first frame. Return the exit code."""
    try:
        document = read_document(arguments.take)
        folder = arguments.output or document.path.parent / "psd"
        frames = document.distinct_frames
        for layer in document.layers:  # all are there before anything is written
            for cel in layer.cels:
                if cel.file:
                    document.picture_of(cel)
        make_folder(folder)
        for frame in frames:
            write_file(folder / f"{frame:04d}.psd", psd_of(document, frame))
    except (DocumentError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return _UNUSABLE
    sys.stdout.write(f"{len(frames)} PSDs with {len(document.layers)} layers are in {folder}.\n")
    return 0
