# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m server fetch`: download the finished frames of a job into a folder."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from uuid import UUID

from rich.console import Console
from rich.progress import track

from server.coloring.numbered_files import FolderError
from server.files import make_folder, write_file
from shared.digests import address_of
from shared.status import JobStatus

from . import connection
from .connection import FAILED, Connection, tell

MARKER = "longanimation-job.json"
"""The file that says whose frames a folder has. Without it, a file of somebody else could be replaced."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument("job", type=UUID, metavar="JOB", help="the id that `submit` printed")
    parser.add_argument("output", type=Path, metavar="DIR", help="folder for the frames: new, empty, or of this job")
    connection.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command and return the exit code: 0 if all frames of the job are in the folder."""
    return connection.run_safely(
        lambda: _fetch(arguments),
        lambda: (
            "The job goes on, and the frames that were fetched are whole. Fetch the others: python -m server fetch "
            f"{arguments.job} {arguments.output} --server {arguments.server}"
        ),
    )


def _fetch(arguments: argparse.Namespace) -> int:
    server, job, folder = Connection(arguments), str(arguments.job), arguments.output
    server.client.info()
    status = server.ask(server.client.status, job)
    _claim(folder, job)
    _download(server, status, folder)
    total = status.frame_end - status.frame_start + 1
    tell(f"{len(status.frames_done)} of {total} frames of job {job} → {folder}")
    if len(status.frames_done) == total:
        return 0
    state = status.state.replace("cancelled", "canceled")
    tell(f"The job is {state}. " + ("Fetch again when it has more frames." if status.state != "failed" else ""))
    return FAILED


def _claim(folder: Path, job: str) -> None:
    """Make the folder the job's. Raises FolderError if it has other files, or frames of another job."""
    if folder.exists() and not folder.is_dir():
        raise FolderError(f"{folder} is a file: give a folder for the frames.")
    make_folder(folder)
    marker = folder / MARKER
    try:
        owner = json.loads(marker.read_bytes())["job"] if marker.exists() else None
    except (ValueError, TypeError, KeyError) as error:
        raise FolderError(f"{marker} is damaged: give an empty folder.") from error
    if owner is None and (names := sorted(path.name for path in folder.iterdir())):
        raise FolderError(f"{folder} has other files, such as {names[0]}: give an empty folder for the frames.")
    if owner not in (None, job):
        raise FolderError(f"{folder} has frames of job {owner}: give an empty folder for those of job {job}.")
    write_file(marker, json.dumps({"job": job}).encode())


def _download(server: Connection, status: JobStatus, folder: Path) -> None:
    """Fetch each frame that is not in the folder yet. Raises ServerError and OSError.

    The server says by its address which frame it would send. A frame that is here, or was sent for the frame before, is
    not sent again.
    """
    address, content = "", b""
    for number in track(status.frames_done, "Fetching", console=Console(stderr=True), disable=not status.frames_done):
        path = folder / f"{number:04}.png"
        here = address_of(path.read_bytes()) if path.exists() else ""
        known = [one for one in dict.fromkeys((here, address)) if one]
        frame = server.ask(server.client.frame, status.id, number, "colored", known)
        if frame.content or frame.address != address:
            address, content = frame.address, frame.content or path.read_bytes()
        if address != here:
            write_file(path, content)
