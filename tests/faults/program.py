# SPDX-License-Identifier: GPL-3.0-or-later
"""The server and its workers with the stand-in for the model, and with short time limits, so that faults can follow
each other closely.

`python -m tests.faults.program serve|work [ARGUMENT …]`: the arguments of `python -m server serve`, or a worker's data
folder, its name, and `--supervised`.
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from sqlalchemy.ext.compiler import compiles

from server import cli
from server.coloring.shot import SegmentResult, Shot
from server.config import BLOBS_VARIABLE, DATABASE_VARIABLE, Config
from server.http import app, server_process
from server.jobs import housekeeping, supervisor, worker
from server.storage import database, heartbeats
from server.storage.heartbeats import Device
from tests.server.stand_in import StandIn, StandInColoring

SILENCE_SECONDS = 5.0
KEPT_FREE_VARIABLE = "FAULTS_KEPT_FREE"
"""Environment variable: bytes of the disk that the server keeps free, for a disk that is smaller than its usual
reserve."""
CLOCK_VARIABLE = "FAULTS_CLOCK"
"""Environment variable: a table of the database with one row, whose `seconds` are added to the database's clock."""
WORK_LOG = "work.log"
"""File in the data folder with a line for every started segment: the seed of its shot, its number, the time."""

STEP_LOG = "steps.log"
"""The same for every step that ended: the seed and the time."""


class LoggedStandIn(StandIn):
    """The stand-in. It records for which shot it starts a segment and ends a step."""

    def open(self, shot: Shot) -> StandInColoring:
        """Plan a shot."""
        return _LoggedColoring(shot, self._data)


class _LoggedColoring(StandInColoring):
    def color(self, index: int, on_step: Callable[[int, int], None] | None = None) -> SegmentResult:
        with (self._data / WORK_LOG).open("a") as log:
            log.write(f"{self._shot.seed} {index} {time.time()}\n")

        def on_logged_step(done: int, total: int) -> None:
            with (self._data / STEP_LOG).open("a") as log:
                log.write(f"{self._shot.seed} {time.time()}\n")
            if on_step is not None:
                on_step(done, total)

        return super().color(index, on_logged_step)


def inject_clock(table: str) -> None:
    """Let whoever changes `table` set the database's clock."""
    for dialect, usual in (("sqlite", database._sqlite_now), ("postgresql", database._postgresql_now)):

        def stepped(element: Any, compiler: Any, usual: Callable[..., str] = usual, **options: Any) -> str:
            return f"({usual(element, compiler, **options)} + (SELECT seconds FROM {table}))"

        compiles(database.now, dialect)(stepped)


def serve(arguments: list[str]) -> int:
    """Serve with stand-in workers beside."""
    supervisor.FIRST_WAIT_SECONDS, supervisor.LONGEST_WAIT_SECONDS = 0.2, 0.5
    housekeeping.REQUEUE_SECONDS = 3.0
    if kept := os.environ.get(KEPT_FREE_VARIABLE):
        app.create_app = partial(_with_free, app.create_app, int(kept))
    server_process.worker_command = _worker_command
    return cli.main(["serve", *arguments])


def _with_free(create: Callable[[Config], Any], kept: int, config: Config) -> Any:
    return create(replace(config, retention=replace(config.retention, free_bytes=kept)))


def _worker_command(config: Config, number: int, name: str) -> list[str]:
    return [sys.executable, "-m", "tests.faults.program", "work", str(config.data), name, "--supervised"]


def work(arguments: list[str]) -> None:
    """Work with the stand-in until stopped."""
    data = Path(arguments[0])
    config = Config(data, database=os.environ.get(DATABASE_VARIABLE, ""), blobs=os.environ.get(BLOBS_VARIABLE, ""))
    colorizer = cast(Any, LoggedStandIn(data))
    worker.run(config, lambda _preset: colorizer, lambda: Device("cpu"), arguments[1], "--supervised" in arguments)


if __name__ == "__main__":
    heartbeats.SILENCE_SECONDS = SILENCE_SECONDS
    if table := os.environ.get(CLOCK_VARIABLE):
        inject_clock(table)
    if sys.argv[1] == "serve":
        sys.exit(serve(sys.argv[2:]))
    work(sys.argv[2:])
