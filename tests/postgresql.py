# SPDX-License-Identifier: GPL-3.0-or-later
"""A real PostgreSQL server for the tests, which is created and deleted by them."""

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

SERVICE_USER = "postgres"
"""The user that runs the server when root runs the tests, because PostgreSQL refuses root."""


def _binaries() -> Path | None:
    """The folder of PostgreSQL's programs: on the path, or where Debian puts them."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


class PostgreSQL:
    """A running server. `new_database` makes an empty database and returns its address.

    start, stop: how it is started, and stopped at once, as a crash does.
    """

    def __init__(self, port: int, start: Callable[[], None], stop: Callable[[], None]) -> None:
        self._address = f"postgresql://{SERVICE_USER}@127.0.0.1:{port}"
        self.start, self.stop = start, stop

    def new_database(self) -> str:
        """Return the address of an empty database, as SQLAlchemy and the command line write it."""
        name = f"test_{uuid.uuid4().hex}"
        with psycopg.connect(f"{self._address}/postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return f"{self._address}/{name}"


@contextmanager
def run_postgresql() -> Iterator[PostgreSQL]:
    """Run a server; skips the test where PostgreSQL is not installed."""
    binaries = _binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL: sudo apt-get install postgresql")
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    folder = Path(tempfile.mkdtemp())  # not pytest's, into which only its own user may look
    if root:
        shutil.chown(folder, SERVICE_USER)

    def run(program: str, *arguments: str) -> None:
        own = ["runuser", "-u", SERVICE_USER, "--"] if root else []
        command = [*own, str(binaries / program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
        assert done.returncode == 0, done.stderr + done.stdout

    data = folder / "data"
    run("initdb", "--pgdata", str(data), "--username", SERVICE_USER, "--auth", "trust", "--no-sync")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = f"-h 127.0.0.1 -p {port} -k {folder}"

    def start() -> None:
        run("pg_ctl", "--pgdata", str(data), "--wait", "--options", options, "--log", str(folder / "log"), "start")

    def stop() -> None:
        run("pg_ctl", "--pgdata", str(data), "--mode", "immediate", "stop")

    start()
    try:
        yield PostgreSQL(port, start, stop)
    finally:
        stop()
        shutil.rmtree(folder)
