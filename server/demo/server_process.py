# SPDX-License-Identifier: GPL-3.0-or-later
"""A temporary server on the loopback address."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from shared.protocol import API_PREFIX

from .blender_process import ROOT

_START_SECONDS = 120
_STOP_SECONDS = 15


class ServerFailed(RuntimeError):
    """The server did not start; the message has the end of its log."""


@dataclass(frozen=True)
class RunningServer:
    """The address and version of a running server."""

    address: str
    version: str


@contextmanager
def running_server(data: Path, log: Path, *arguments: str, port: int | None = None) -> Iterator[RunningServer]:
    """Run `python -m server serve` with its files in `data`. The server is always stopped at the end of the block.

    port: the port to listen on; by default a free one.
    """
    address = f"127.0.0.1:{port or free_port()}"
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "server", "serve", "--listen", address, "--data", str(data), *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        try:
            yield RunningServer(f"http://{address}", _wait_for(process, f"http://{address}", log))
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(process: subprocess.Popen, address: str, log: Path) -> str:
    """Return the server's version as soon as it answers, or "" if it requires a token."""
    deadline = time.monotonic() + _START_SECONDS
    with requests.Session() as http:
        http.trust_env = False
        while time.monotonic() < deadline and process.poll() is None:
            try:
                return http.get(f"{address}{API_PREFIX}/info", timeout=5).json().get("server_version", "")
            except requests.ConnectionError:
                time.sleep(0.2)
    tail = "\n".join(log.read_text(encoding="utf-8").splitlines()[-15:])
    raise ServerFailed(f"the server did not start within {_START_SECONDS} s; the end of {log}:\n{tail}")
