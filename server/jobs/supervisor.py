# SPDX-License-Identifier: GPL-3.0-or-later
"""The supervisor keeps worker processes running next to the API and replaces those that die."""

import logging
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import sqlalchemy as sa

from server.storage.heartbeats import Heartbeats

from .lasting_thread import LastingThread

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 60.0
STEADY_SECONDS = 60.0
"""A worker that ran for this long is no longer considered to fail at startup."""
STOP_SECONDS = 10.0

logger = logging.getLogger(__name__)


class Supervisor:
    """Runs `count` worker processes.

    command: builds the command line of a worker from its number and name. environment: the environment of all workers,
    by default this process's own.
    """

    def __init__(
        self,
        heartbeats: Heartbeats,
        command: Callable[[int, str], Sequence[str]],
        count: int,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._heartbeats = heartbeats
        self._command = command
        self._environment = environment
        self._stopping = threading.Event()
        self._threads = [
            LastingThread(f"supervisor-{number}", partial(self._keep_worker, number), self._stopping)
            for number in range(count)
        ]

    def start(self) -> None:
        """Start the workers."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop the workers and wait until they have ended."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def is_well(self) -> bool:
        """Return whether every worker that dies will be replaced."""
        return all(thread.is_well() for thread in self._threads)

    def _keep_worker(self, number: int) -> None:
        wait = FIRST_WAIT_SECONDS
        while not self._stopping.is_set():
            name = f"worker-{number}-{uuid.uuid4().hex[:12]}"
            begun = time.monotonic()
            # Nothing is written to the pipe. When it closes, because of us or because we died, the worker ends.
            process = subprocess.Popen(self._command(number, name), stdin=subprocess.PIPE, env=self._environment)
            while process.poll() is None and not self._stopping.wait(0.2):
                pass
            if self._stopping.is_set():
                _end(process)
                return
            self._declare_dead(name)
            wait = FIRST_WAIT_SECONDS if time.monotonic() - begun > STEADY_SECONDS else wait
            logger.warning(
                "Worker %s ended with code %s; its replacement starts in %.0f s.", name, process.returncode, wait
            )
            self._stopping.wait(wait)
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)

    def _declare_dead(self, worker: str) -> None:
        try:
            self._heartbeats.declare_dead(worker)
        except sa.exc.SQLAlchemyError as error:  # others notice it by the worker's silence
            logger.warning("The database does not answer, so the end of worker %s is not recorded: %s", worker, error)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
