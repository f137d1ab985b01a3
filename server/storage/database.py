# SPDX-License-Identifier: GPL-3.0-or-later
"""The database: its tables, and how it is opened. The durable workflows live in the same one."""

from typing import Any

import sqlalchemy as sa
from dbos import DBOS
from sqlalchemy.schema import CreateIndex, CreateTable

from server.config import Config

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
    # The present run: when it began and from which progress, for the estimate of the time left.
    sa.Column("started", sa.Float),
    sa.Column("started_progress", sa.Float, nullable=False, default=0.0),
    # How many workers died with this job in their hands.
    sa.Column("crashes", sa.Integer, nullable=False, default=0),
)
frames = sa.Table(
    "frames",
    metadata,
    sa.Column("job", sa.String(36), primary_key=True),
    sa.Column("drawing", sa.Integer, primary_key=True),
    sa.Column("blob", sa.String(64), nullable=False),
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
workers = sa.Table(
    "workers",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("device", sa.String(16), nullable=False),
    sa.Column("beat", sa.Float, nullable=False),
    # Whether it ended of its own will: what it held is then no crash.
    sa.Column("left", sa.Boolean, nullable=False, default=False),
)
tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
)


def open_database(config: Config) -> sa.Engine:
    """Open the database of `config`, creating its folder and tables where they are missing."""
    config.data.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(config.database_url, pool_size=10, max_overflow=10)
    sa.event.listen(engine, "connect", _prepare_connection)
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            connection.execute(CreateTable(table, if_not_exists=True))
            for index in table.indexes:
                connection.execute(CreateIndex(index, if_not_exists=True))
    DBOS.migrate(config.database_url.render_as_string(hide_password=False))
    return engine


def _prepare_connection(connection: Any, _record: Any) -> None:
    """Let several processes share the SQLite file: readers never wait, writers queue up."""
    connection.isolation_level = "IMMEDIATE"  # take the write lock at once instead of failing to upgrade to it
    connection.execute("PRAGMA busy_timeout=30000")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA foreign_keys=ON")
