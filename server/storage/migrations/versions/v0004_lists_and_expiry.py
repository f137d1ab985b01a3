# SPDX-License-Identifier: GPL-3.0-or-later
"""What lists of jobs show, in columns and indexes of its own; and until when a token is valid."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

BATCH = 100
"""How many manifests are in memory at once."""

INDEXES = {"jobs_by_state": ["state", "owner", "created", "id"], "jobs_by_age": ["created", "id", "state", "owner"]}

jobs = sa.table(
    "jobs",
    *(sa.column(name) for name in ("id", "manifest", "name", "preset", "frame_start", "frame_end", "drawing_count")),
)


def upgrade() -> None:
    """Add the columns, fill them from the manifests, and make the indexes. Nothing that is there is made again."""
    _add("tokens", sa.Column("expires", sa.Float))
    for name in ("name", "preset"):
        _add("jobs", sa.Column(name, sa.Text, nullable=False, server_default=""))
    for name in ("frame_start", "frame_end", "drawing_count"):
        _add("jobs", sa.Column(name, sa.Integer, nullable=False, server_default="0"))
    connection = op.get_bind()
    known = list(connection.scalars(sa.select(jobs.c.id)))
    for start in range(0, len(known), BATCH):
        batch = sa.select(jobs.c.id, jobs.c.manifest).where(jobs.c.id.in_(known[start : start + BATCH]))
        for job, manifest in connection.execute(batch).all():
            connection.execute(sa.update(jobs).where(jobs.c.id == job).values(**_summary(json.loads(manifest))))
    for name, columns in INDEXES.items():
        op.drop_index(name, "jobs", if_exists=True)
        op.create_index(name, "jobs", columns)


def _add(table: str, column: sa.Column[Any]) -> None:
    """Add a column to a table that lacks it."""
    if column.name not in {one["name"] for one in sa.inspect(op.get_bind()).get_columns(table)}:
        op.add_column(table, column)


def _summary(manifest: dict[str, object]) -> dict[str, object]:
    """Return the new columns of a job. A manifest that is not as expected leaves them at their defaults."""
    try:
        start, timing, drawings = (manifest[name] for name in ("frame_start", "timing", "drawings"))
        return {
            "name": str(manifest["name"]),
            "preset": str(manifest["preset"]),
            "frame_start": start,
            "frame_end": start + len(timing) - 1,  # type: ignore[operator, arg-type]
            "drawing_count": len(drawings),  # type: ignore[arg-type]
        }
    except (KeyError, TypeError):
        return {"name": ""}
