# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of a round: a server and its workers, killed and started again."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil
import requests

from server.config import BLOBS_VARIABLE, DATABASE_VARIABLE, REPOSITORY

START_SECONDS = 60.0
WAIT_SECONDS = 90.0
STOP_SECONDS = 40.0


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait until `condition` holds; raises AssertionError when it takes too long."""
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.05)


class House:
    """A server on a port of its own, and workers: children of the server, or processes of their own.

    Every server and every worker of its own leads a process group. log: what they write. database: of PostgreSQL.
    prefix: what to run the server under. options: more arguments of `serve`. authority: file of the authority of its
    certificate, if it has one. tree: the folder of the version that runs.
    """

    def __init__(
        self,
        data: Path,
        log: Path,
        workers: int,
        supervised: bool,
        database: str = "",
        prefix: tuple[str, ...] = (),
        options: tuple[str, ...] = (),
        authority: Path | None = None,
        tree: Path = REPOSITORY,
    ) -> None:
        self.data = data
        self.authority = authority
        self.verify: bool | str = True if authority is None else str(authority)
        self._options = options
        self._tree = tree
        self._supervised = supervised
        self._prefix = prefix
        self._count = workers
        self.environment = {**os.environ, DATABASE_VARIABLE: database, BLOBS_VARIABLE: ""}
        self._port = free_port()
        self._server: subprocess.Popen[bytes] | None = None
        self._workers: list[subprocess.Popen[bytes]] = []
        self._orphans: list[psutil.Process] = []
        self.log_path = log
        self._log: IO[bytes] = log.open("ab")
        self.url = f"{'http' if authority is None else 'https'}://127.0.0.1:{self._port}"

    def __enter__(self) -> "House":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill("group")
        for orphan in self.orphans():
            orphan.kill()
        self._log.close()

    def set_variables(self, variables: Mapping[str, str]) -> None:
        """Set variables of the environment of what starts from now on."""
        self.environment |= variables

    @property
    def log(self) -> str:
        """What all processes wrote so far."""
        return self.log_path.read_text(errors="replace")

    def start(self) -> None:
        """Start the processes that do not run, without waiting for them."""
        if self._server is None or self._server.poll() is not None:
            workers = self._count if self._supervised else 0
            arguments = ["serve", "--listen", f"127.0.0.1:{self._port}", "--device", "cpu", "--workers", str(workers)]
            arguments += ["--data", str(self.data), *self._options]
            self._server = self._run(*self._prefix, *_PROGRAM, *arguments)
        if not self._supervised:
            self._workers = [worker for worker in self._workers if worker.poll() is None]
            while len(self._workers) < self._count:
                self._workers.append(self._run(*_PROGRAM, "work", str(self.data), f"faults-{uuid.uuid4().hex}"))

    def wait_until_ready(self) -> None:
        """Wait until the server answers."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._server is not None and self._server.poll() is None:
            with contextlib.suppress(requests.ConnectionError):
                if requests.get(f"{self.url}/api/v1/info", timeout=5, verify=self.verify).ok:
                    return
            time.sleep(0.1)
        raise AssertionError(f"the server did not start: {self.log[-2000:]}")

    @property
    def has_worker(self) -> bool:
        """Return whether a worker runs. A worker that its server starts runs a little later than the server."""
        return bool(self._running(self._workers) + self._children())

    @property
    def server(self) -> psutil.Process:
        """The process of the server, which must run."""
        return self._servers()[0]

    def kill(self, kind: str) -> bool:
        """SIGKILL the `server`, a `worker`, `both` one after the other, or all processes as a `group` at once. Returns
        whether there was one."""
        servers, children = self._servers(), self._children()
        self._orphans += children
        workers = self._running(self._workers) + children
        victims = {"server": servers, "worker": workers[:1]}.get(kind, [*servers, *workers])
        if kind == "group":
            for server in servers:
                os.killpg(server.pid, signal.SIGKILL)
        for victim in victims:
            with contextlib.suppress(psutil.NoSuchProcess):
                victim.kill()
        psutil.wait_procs(victims, timeout=STOP_SECONDS)
        return bool(victims)

    def stall(self, seconds: float) -> bool:
        """Stop a separate worker for a while, like a machine that swaps. Returns whether there was one."""
        running = [worker for worker in self._workers if worker.poll() is None]
        if running:
            running[0].send_signal(signal.SIGSTOP)
            time.sleep(seconds)
            running[0].send_signal(signal.SIGCONT)
        return bool(running)

    def stop(self) -> list[int]:
        """Ask everything that runs to end; return the exit codes."""
        processes = [*self._workers, *([self._server] if self._server is not None else [])]
        running = [process for process in processes if process.poll() is None]
        for process in running:
            process.terminate()
        return [process.wait(STOP_SECONDS) for process in running]

    def orphans(self) -> list[psutil.Process]:
        """Return the workers that still run although their server has ended, after a time in which they could end."""
        return list(psutil.wait_procs(self._orphans, timeout=STOP_SECONDS)[1])

    def _servers(self) -> list[psutil.Process]:
        return self._running([self._server] if self._server else [])

    def _children(self) -> list[psutil.Process]:
        found: list[psutil.Process] = []
        for server in self._servers():
            with contextlib.suppress(psutil.NoSuchProcess):
                found += server.children(recursive=True)
        return found

    def _running(self, processes: Sequence[subprocess.Popen[bytes]]) -> list[psutil.Process]:
        return [psutil.Process(process.pid) for process in processes if process.poll() is None]

    def _run(self, *command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            env=self.environment,
            cwd=self._tree,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )


_PROGRAM = (sys.executable, "-m", "tests.faults.program")
