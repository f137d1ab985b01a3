# SPDX-License-Identifier: GPL-3.0-or-later
"""The database: its tables, and how it is opened. The durable workflows live in the same one."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import sqlalchemy as sa
from dbos import DBOS
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from server.config import Config

from . import durable_files

metadata = sa.MetaData()

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("manifest", sa.Text, nullable=False),
    sa.Column("queue", sa.String(16), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("segments_done", sa.Integer, nullable=False, default=0),
    sa.Column("segments_total", sa.Integer, nullable=False, default=0),
    sa.Column("progress", sa.Float, nullable=False, default=0.0),
    sa.Column("problem", sa.Text),
    sa.Column("created", sa.Float, nullable=False),
    # The present run: when it began and from which progress, for the estimate of the time left; and who does it.
    sa.Column("started", sa.Float),
    sa.Column("started_progress", sa.Float, nullable=False, default=0.0),
    sa.Column("worker", sa.String(64)),
    sa.Column("finished", sa.Float),
    # How many workers died with this job in their hands, one after the other.
    sa.Column("crashes", sa.Integer, nullable=False, default=0),
    # Whose token it came with; empty where no token was asked for.
    sa.Column("owner", sa.String(200), nullable=False, server_default=""),
    sa.Column("priority", sa.String(8), nullable=False, server_default="normal"),
    # Digest of all that determines the frames: a finished job with the same one has them already.
    sa.Column("fingerprint", sa.String(64), nullable=False, server_default=""),
    sa.Index("jobs_by_fingerprint", "fingerprint"),
    sa.Index("jobs_by_state", "state"),
)
inputs = sa.Table(
    "inputs",
    metadata,
    sa.Column("job", sa.String(36), primary_key=True),
    sa.Column("blob", sa.String(64), primary_key=True),
    sa.Index("inputs_by_blob", "blob"),
)
segments = sa.Table(
    "segments",
    metadata,
    sa.Column("job", sa.String(36), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    # JSON: its drawings, in the order of work.
    sa.Column("drawings", sa.Text, nullable=False),
    # The rest is known when it is finished: what determined it, what later segments need, JSON of the guesses' shares.
    sa.Column("key", sa.String(64)),
    sa.Column("state", sa.String(64)),
    sa.Column("guesses", sa.Text),
    sa.Column("begun", sa.Float),
    sa.Column("finished", sa.Float),
    sa.Column("reused", sa.Boolean, nullable=False, default=False),
    sa.Index("segments_by_key", "key"),
    sa.Index("segments_by_state", "state"),
)
frames = sa.Table(
    "frames",
    metadata,
    sa.Column("job", sa.String(36), primary_key=True),
    sa.Column("drawing", sa.Integer, primary_key=True),
    sa.Column("blob", sa.String(64), nullable=False),
    sa.Index("frames_by_blob", "blob"),
)
events = sa.Table(
    "events",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("job", sa.String(36), nullable=False),
    sa.Column("time", sa.Float, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("segments_done", sa.Integer, nullable=False),
    sa.Column("segments_total", sa.Integer, nullable=False),
    sa.Column("progress", sa.Float, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Index("events_by_job", "job", "number"),
    sqlite_autoincrement=True,  # a number is never given twice, even after a DELETE
)
blobs = sa.Table(
    "blobs",
    metadata,
    sa.Column("address", sa.String(64), primary_key=True),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    # Who brought it first: it counts toward that token's quota.
    sa.Column("owner", sa.String(200), nullable=False),
    sa.Column("touched", sa.Float, nullable=False),
    # About to be removed: its file may be gone already.
    sa.Column("doomed", sa.Boolean, nullable=False, default=False),
    sa.Index("blobs_by_owner", "owner"),
    sa.Index("blobs_by_age", "touched"),
)
pictures = sa.Table(
    "pictures",
    metadata,
    sa.Column("address", sa.String(64), primary_key=True),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("has_lines", sa.Boolean, nullable=False),
    sa.Column("has_clear", sa.Boolean, nullable=False),
)
workers = sa.Table(
    "workers",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("device", sa.String(16), nullable=False),
    sa.Column("beat", sa.Float, nullable=False),
    # Whether it ended of its own will: what it held is then no crash.
    sa.Column("left", sa.Boolean, nullable=False, default=False),
    # For people: where it runs, on what, and how much memory that has and has free.
    sa.Column("host", sa.String(200), nullable=False, server_default=""),
    sa.Column("title", sa.String(200), nullable=False, server_default=""),
    sa.Column("memory_total", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("memory_free", sa.BigInteger, nullable=False, server_default="0"),
)
tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("role", sa.String(16), nullable=False, server_default="submit"),
)
sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    # Digest of the token that it was opened with.
    sa.Column("token", sa.String(64), nullable=False),
    sa.Column("expires", sa.Float, nullable=False),
)

SETTING_UP = 7860
"""Key of the lock that keeps two processes from setting up one PostgreSQL database at once."""


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
    """Open the database of `config`, creating its folder, tables and columns where they are missing.

    Raises sqlalchemy's OperationalError when a database server cannot be reached.
    """
    url = config.database_url
    if url.get_backend_name() == "sqlite":
        durable_files.make_folder(config.data, 0o700)  # what is in it is for nobody else on this machine
    engine = sa.create_engine(url, pool_size=10, max_overflow=10, pool_pre_ping=url.get_backend_name() == "postgresql")
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _prepare_connection)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(SETTING_UP)))
        _set_up(connection)
    DBOS.migrate(url.render_as_string(hide_password=False))
    return engine


def _set_up(connection: sa.Connection) -> None:
    """Make what is missing. A column that a newer version brings is added to the tables of an older one."""
    known = sa.inspect(connection)
    for table in metadata.sorted_tables:
        connection.execute(CreateTable(table, if_not_exists=True))
        present = {column["name"] for column in known.get_columns(table.name)}
        for column in table.columns:
            if column.name not in present:
                definition = CreateColumn(column).compile(dialect=connection.dialect)
                connection.execute(sa.DDL(f"ALTER TABLE {table.name} ADD COLUMN {definition}"))
        for index in table.indexes:
            connection.execute(CreateIndex(index, if_not_exists=True))


def _prepare_connection(connection: Any, _record: Any) -> None:
    """Let several processes share the SQLite file: readers never wait, writers queue up; and let it survive a power
    cut, for which every commit is synced."""
    connection.isolation_level = "IMMEDIATE"  # take the write lock at once instead of failing to upgrade to it
    connection.execute("PRAGMA busy_timeout=30000")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
