# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m server watch`: follow a job to its end."""

from __future__ import annotations

import argparse
import json
import sys
import time
from uuid import UUID

from shared.codec import to_json
from shared.status import FINAL_STATES, JobEvent, JobStatus

from . import connection
from .connection import FAILED, Connection, tell

POLL_SECONDS = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument("job", type=UUID, metavar="JOB", help="the id that `submit` printed")
    parser.add_argument(
        "--json", action="store_true", help="write each event of the job, and last its status, as a line of JSON"
    )
    connection.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command and return the exit code: 0 if the job is done."""
    return connection.run_safely(
        lambda: _watch(arguments),
        lambda: f"The job goes on. Watch it again: python -m server watch {arguments.job} --server {arguments.server}",
    )


def _watch(arguments: argparse.Namespace) -> int:
    server, job, last = Connection(arguments), str(arguments.job), 0
    server.client.info()
    while True:
        # Asked before the events, so that these include the one of a final state.
        status = server.ask(server.client.status, job)
        for event in server.ask(server.client.events, job, last):
            last = event.number
            if arguments.json:
                _write(event)
            else:
                tell(_line(event))
        if status.state in FINAL_STATES:
            break
        time.sleep(POLL_SECONDS)
    if arguments.json:
        _write(status)
    else:
        sys.stdout.write(f"{_sentence(status)}\n")
    return 0 if status.state == "done" else FAILED


def _write(message: JobEvent | JobStatus) -> None:
    sys.stdout.write(f"{json.dumps(to_json(message))}\n")
    sys.stdout.flush()


def _line(event: JobEvent) -> str:
    """Return an event as a line for people."""
    clock = time.strftime("%H:%M:%S", time.localtime(event.time))
    state = event.state.replace("cancelled", "canceled")
    segments = f", {event.segments_done} of {event.segments_total} segments" if event.segments_total else ""
    return f"{clock} {state:8} {100 * event.progress:3.0f} %{segments}. {event.message}".rstrip()


def _sentence(status: JobStatus) -> str:
    """Say how a job ended."""
    if status.state == "done":
        return f"Job {status.id} is done: {len(status.frames_done)} frames."
    if status.problem is not None:
        return f"Job {status.id} failed: {status.problem.title}"
    return f"Job {status.id} was canceled."
