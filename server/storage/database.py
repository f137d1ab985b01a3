# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening of the database and write transactions. The durable workflows are stored in the same database."""

import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dbos import DBOS
from sqlalchemy.ext.compiler import compiles

from server import files
from server.config import Config

from .schema import migrate


class now(sa.sql.expression.FunctionElement[float]):  # lowercase, like SQL functions
    """The database's own clock in seconds since the epoch. The clocks of machines that share it may differ."""

    type = sa.Float()
    inherit_cache = True


@compiles(now, "sqlite")
def _sqlite_now(_element: now, _compiler: Any, **_options: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(now, "postgresql")
def _postgresql_now(_element: now, _compiler: Any, **_options: Any) -> str:
    return "extract(epoch from clock_timestamp())::float"


PRIVATE = 0o600
"""File mode of an SQLite database."""
BATCH = 500
"""Most blobs that one statement names."""


def batches(items: Sequence[str]) -> Iterable[Sequence[str]]:
    """Split addresses into batches, so that no statement names too many."""
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))


BUSY_SECONDS = 30.0
"""How long a connection to an SQLite file waits for another one that is writing."""
REQUEST_BUSY_SECONDS = 3.0
"""How long it waits for one in a process that answers requests: clients try again by themselves."""

_WRITING = threading.Lock()


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Begin a write transaction.

    SQLite allows one writer at a time, and waiting writers sleep for longer and longer periods. The threads of a
    process therefore queue here instead, which is faster and lets other processes take their turn. Raises sqlalchemy's
    OperationalError or TimeoutError if the turn does not come in time.
    """
    with _turn(engine) if engine.dialect.name == "sqlite" else nullcontext(), engine.begin() as connection:
        yield connection


@contextmanager
def _turn(engine: sa.Engine) -> Iterator[None]:
    seconds = engine.get_execution_options().get("busy_seconds", BUSY_SECONDS)
    if not _WRITING.acquire(timeout=seconds):
        raise sa.exc.TimeoutError(f"Other threads have been waiting to write for more than {seconds:g} s.")
    try:
        yield
    finally:
        _WRITING.release()


def answer_soon(engine: sa.Engine) -> None:
    """Let the connections of a process that answers requests wait only shortly for another writer."""
    if engine.dialect.name != "sqlite":
        return

    def limit(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA busy_timeout={1000 * REQUEST_BUSY_SECONDS:.0f}")

    engine.update_execution_options(busy_seconds=REQUEST_BUSY_SECONDS)
    sa.event.listen(engine, "connect", limit)
    engine.dispose()  # its connections wait for longer


class QuotaExceeded(Exception):
    """The owner of a token would have more than its quota allows."""


def lock_owner(connection: sa.Connection, owner: str) -> None:
    """Let other transactions that lock the same owner wait until the caller's has ended.

    SQLite has one writer at a time. The caller must write something there before it reads what it decides by.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(owner, 0))))


def open_database(config: Config) -> sa.Engine:
    """Open the database of `config`. A new one is created, with its folder, and an older one is updated.

    Raises ConfigError if it belongs to a newer server, and sqlalchemy's OperationalError if a database server cannot be
    reached.
    """
    url = config.database_url
    if url.get_backend_name() == "sqlite":
        files.make_folder(config.data, 0o700)  # other users of this machine must not read it
        _make_private(Path(url.database or ""))
    engine = sa.create_engine(url, pool_size=10, max_overflow=10, pool_pre_ping=url.get_backend_name() == "postgresql")
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _prepare_connection)
    migrate(engine)
    DBOS.migrate(url.render_as_string(hide_password=False))
    return engine


def _make_private(path: Path) -> None:
    """Let only this user read an SQLite file, whatever the folder's mode is. SQLite gives its other files the same."""
    if os.name != "posix":
        return
    if not path.exists():
        # Made beside it, because closing a file ends the locks that SQLite holds on it elsewhere in this process.
        part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        part.touch(PRIVATE)
        with suppress(OSError):  # another process was faster, or the disk has neither links nor modes
            os.link(part, path)
        part.unlink()
    for one in (path, *(path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))):
        with suppress(FileNotFoundError, PermissionError):  # it may belong to another user
            if one.stat().st_mode & 0o077:
                one.chmod(PRIVATE)


def _prepare_connection(connection: Any, _record: Any) -> None:
    """Let several processes share the SQLite file: readers never wait, and writers queue. Every commit is synced, so
    that the file survives a power failure."""
    connection.isolation_level = "IMMEDIATE"  # take the write lock at once instead of failing to upgrade to it
    connection.execute(f"PRAGMA busy_timeout={1000 * BUSY_SECONDS:.0f}")
    _use_wal(connection)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch a new file to a write-ahead log. SQLite's own timeout does not apply when another connection to the new
    file is writing, such as that of a process that does the same."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.02)
