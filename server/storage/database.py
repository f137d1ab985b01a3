# SPDX-License-Identifier: GPL-3.0-or-later
"""The database: how it is opened and written. The durable workflows live in the same one."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import sqlalchemy as sa
from dbos import DBOS
from sqlalchemy.ext.compiler import compiles

from server import files
from server.config import Config

from .schema import migrate


class now(sa.sql.expression.FunctionElement[float]):  # written like the SQL functions beside it
    """The database's own clock in seconds since the epoch: machines that share it need not agree on theirs."""

    type = sa.Float()
    inherit_cache = True


@compiles(now, "sqlite")
def _sqlite_now(_element: now, _compiler: Any, **_options: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(now, "postgresql")
def _postgresql_now(_element: now, _compiler: Any, **_options: Any) -> str:
    return "extract(epoch from clock_timestamp())::float"


BATCH = 500
"""Most blobs that one statement names."""


def batches(items: Sequence[str]) -> Iterable[Sequence[str]]:
    """Split addresses so that no statement names too many."""
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))


_WRITING = threading.Lock()


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Begin a transaction that writes. SQLite lets one write at a time, and who waits for it sleeps longer and longer:
    the threads of a process queue up here instead, so that they are quick and other processes get their turn."""
    with _WRITING if engine.dialect.name == "sqlite" else nullcontext(), engine.begin() as connection:
        yield connection


def open_database(config: Config) -> sa.Engine:
    """Open the database of `config`: a new one is made, with its folder, and an older one brought up to date.

    Raises ConfigError when it is of a newer server, and sqlalchemy's OperationalError when a database server cannot be
    reached.
    """
    url = config.database_url
    if url.get_backend_name() == "sqlite":
        files.make_folder(config.data, 0o700)  # what is in it is for nobody else on this machine
    engine = sa.create_engine(url, pool_size=10, max_overflow=10, pool_pre_ping=url.get_backend_name() == "postgresql")
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _prepare_connection)
    migrate(engine)
    DBOS.migrate(url.render_as_string(hide_password=False))
    return engine


def _prepare_connection(connection: Any, _record: Any) -> None:
    """Let several processes share the SQLite file: readers never wait, writers queue up; and let it survive a power
    cut, for which every commit is synced."""
    connection.isolation_level = "IMMEDIATE"  # take the write lock at once instead of failing to upgrade to it
    connection.execute("PRAGMA busy_timeout=30000")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
