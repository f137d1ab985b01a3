# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of version 0.1.0, which did not record a schema version.

A database of that version has all of these tables. One of an earlier server lacks some tables or columns. Only what is
missing is created.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import CreateColumn

revision = "0001"
down_revision = None

metadata = sa.MetaData()

sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("manifest", sa.Text, nullable=False),
    sa.Column("queue", sa.String(16), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("segments_done", sa.Integer, nullable=False),
    sa.Column("segments_total", sa.Integer, nullable=False),
    sa.Column("progress", sa.Float, nullable=False),
    sa.Column("problem", sa.Text),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("started", sa.Float),
    sa.Column("started_progress", sa.Float, nullable=False),
    sa.Column("worker", sa.String(64)),
    sa.Column("finished", sa.Float),
    sa.Column("crashes", sa.Integer, nullable=False),
    sa.Column("owner", sa.String(200), nullable=False, server_default=""),
    sa.Column("priority", sa.String(8), nullable=False, server_default="normal"),
    sa.Column("fingerprint", sa.String(64), nullable=False, server_default=""),
    sa.Index("jobs_by_fingerprint", "fingerprint"),
    sa.Index("jobs_by_state", "state"),
)
sa.Table(
    "inputs",
    metadata,
    sa.Column("job", sa.String(36), primary_key=True),
    sa.Column("blob", sa.String(64), primary_key=True),
    sa.Index("inputs_by_blob", "blob"),
)
sa.Table(
    "segments",
    metadata,
    sa.Column("job", sa.String(36), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("drawings", sa.Text, nullable=False),
    sa.Column("key", sa.String(64)),
    sa.Column("state", sa.String(64)),
    sa.Column("guesses", sa.Text),
    sa.Column("begun", sa.Float),
    sa.Column("finished", sa.Float),
    sa.Column("reused", sa.Boolean, nullable=False),
    sa.Index("segments_by_key", "key"),
    sa.Index("segments_by_state", "state"),
)
sa.Table(
    "frames",
    metadata,
    sa.Column("job", sa.String(36), primary_key=True),
    sa.Column("drawing", sa.Integer, primary_key=True),
    sa.Column("blob", sa.String(64), nullable=False),
    sa.Index("frames_by_blob", "blob"),
)
sa.Table(
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
    sqlite_autoincrement=True,
)
sa.Table(
    "blobs",
    metadata,
    sa.Column("address", sa.String(64), primary_key=True),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("owner", sa.String(200), nullable=False),
    sa.Column("touched", sa.Float, nullable=False),
    sa.Column("doomed", sa.Boolean, nullable=False),
    sa.Index("blobs_by_owner", "owner"),
    sa.Index("blobs_by_age", "touched"),
)
sa.Table(
    "pictures",
    metadata,
    sa.Column("address", sa.String(64), primary_key=True),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("has_lines", sa.Boolean, nullable=False),
    sa.Column("has_clear", sa.Boolean, nullable=False),
)
sa.Table(
    "workers",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("device", sa.String(16), nullable=False),
    sa.Column("beat", sa.Float, nullable=False),
    sa.Column("left", sa.Boolean, nullable=False),
    sa.Column("host", sa.String(200), nullable=False, server_default=""),
    sa.Column("title", sa.String(200), nullable=False, server_default=""),
    sa.Column("memory_total", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("memory_free", sa.BigInteger, nullable=False, server_default="0"),
)
sa.Table(
    "tokens",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("role", sa.String(16), nullable=False, server_default="submit"),
)
sa.Table(
    "sessions",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("token", sa.String(64), nullable=False),
    sa.Column("expires", sa.Float, nullable=False),
)


def upgrade() -> None:
    """Create the tables, columns and indexes that are missing."""
    connection = op.get_bind()
    present = set(sa.inspect(connection).get_table_names())
    for table in metadata.sorted_tables:
        if table.name in present:
            _complete(connection, table)
        else:
            table.create(connection)


def _complete(connection: sa.Connection, table: sa.Table) -> None:
    names = {column["name"] for column in sa.inspect(connection).get_columns(table.name)}
    for column in table.columns:
        if column.name not in names:
            definition = CreateColumn(column).compile(dialect=connection.dialect)
            connection.execute(sa.text(f"ALTER TABLE {table.name} ADD COLUMN {definition}"))
    for index in table.indexes:
        index.create(connection, checkfirst=True)
