# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m server submit`: send a folder of line art to a server, and print the id of its job."""

from __future__ import annotations

import argparse
import sys
import uuid
from typing import get_args

from rich.console import Console
from rich.progress import track

from server.coloring.cli import SETTINGS, add_shot_arguments, read_exposure_sheet
from shared.errors import ServerError
from shared.manifest import Priority
from shared.protocol import ProtocolError

from . import connection
from .connection import Connection, tell
from .folder_shot import FolderShot, read_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    add_shot_arguments(parser)
    parser.add_argument("--name", default="", metavar="TEXT", help="the name of the shot (default: the folder's)")
    parser.add_argument("--fps", type=float, default=24.0, metavar="N", help="frames per second (default: 24)")
    parser.add_argument(
        "--priority", choices=get_args(Priority), default="normal", help="among waiting jobs (default: normal)"
    )
    connection.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command and return the exit code. The id of the job is all that is written to standard output."""
    job = str(uuid.uuid4())
    return connection.run_safely(
        lambda: _submit(arguments, job),
        lambda: (
            f"If the server has job {job} already, it goes on: python -m server watch {job} --server "
            f"{arguments.server}. Otherwise run the command again: images that were sent are not sent again."
        ),
    )


def _submit(arguments: argparse.Namespace, job: str) -> int:
    server = Connection(arguments)
    limits = server.client.info().limits
    try:
        shot = read_folder(
            arguments.lineart,
            arguments.keyframe,
            arguments.number,
            limits.frames,
            arguments.name,
            arguments.fps,
            arguments.reference,
            read_exposure_sheet(arguments),
            palette=tuple(swatch.color for swatch in arguments.palette.swatches) if arguments.palette else (),
            traces=tuple(arguments.trace),
            **{name: getattr(arguments, name) for name in ("preset", "priority", "accept_errors", *SETTINGS)},
        )
    except ProtocolError as error:
        tell(f"Error: {error.sentence}")
        return connection.UNUSABLE
    for note in shot.notes:
        tell(note)
    _upload(server, shot)
    server.ask(server.client.create, job, shot.manifest)
    sys.stdout.write(f"{job}\n")
    sys.stdout.flush()
    return 0


def _upload(server: Connection, shot: FolderShot) -> None:
    """Send the images that the server lacks. Raises ServerError, with the name of the image that it refuses."""
    missing = server.ask(server.client.missing, tuple(shot.files))
    for address in track(missing, "Sending", console=Console(stderr=True), disable=not missing):
        try:
            server.ask(server.client.upload, address, shot.files[address])
        except ServerError as error:
            raise ServerError(f"{shot.files[address]}: {error}") from error
