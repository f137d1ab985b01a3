# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the database. If code and database use different names, the definition here has both."""

import sqlalchemy as sa

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
    # The current run: when it began and at which progress, for the estimate of the remaining time, and its worker.
    sa.Column("started", sa.Float),
    sa.Column("started_progress", sa.Float, nullable=False, default=0.0),
    sa.Column("worker", sa.String(64)),
    sa.Column("finished", sa.Float),
    # How many workers in a row died while they worked on this job.
    sa.Column("crashes", sa.Integer, nullable=False, default=0),
    # The name of the token it came with; empty if no token was required.
    sa.Column("owner", sa.String(200), nullable=False, server_default=""),
    sa.Column("priority", sa.String(8), nullable=False, server_default="normal"),
    # Digest of everything that determines the frames. A finished job with the same digest already has them.
    sa.Column("fingerprint", sa.String(64), nullable=False, server_default=""),
    # What lists show of the manifest, which can be long.
    sa.Column("name", sa.Text, nullable=False, server_default=""),
    sa.Column("preset", sa.Text, nullable=False, server_default=""),
    sa.Column("frame_start", sa.Integer, nullable=False, server_default="0"),
    sa.Column("frame_end", sa.Integer, nullable=False, server_default="0"),
    sa.Column("drawing_count", sa.Integer, nullable=False, server_default="0"),
    sa.Index("jobs_by_fingerprint", "fingerprint"),
    # Lists and counts read only these indexes until they know which rows they need.
    sa.Index("jobs_by_state", "state", "owner", "created", "id"),
    sa.Index("jobs_by_age", "created", "id", "state", "owner"),
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
    # Known when it is finished: what determined it, the data for later segments, and JSON of the guesses' shares.
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
    sqlite_autoincrement=True,  # a number is never used twice, even after a DELETE
)
blobs = sa.Table(
    "blobs",
    metadata,
    sa.Column("address", sa.String(64), primary_key=True),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    # The token that uploaded it first; the blob counts toward that token's quota.
    sa.Column("owner", sa.String(200), nullable=False),
    sa.Column("touched", sa.Float, nullable=False),
    # About to be removed; its file may already be gone.
    sa.Column("doomed", sa.Boolean, key="pending_delete", nullable=False, default=False),
    # Its file was found missing or damaged. It counts as missing until it is stored again or found whole.
    sa.Column("lost", sa.Boolean, nullable=False, server_default=sa.false()),
    # When its bytes were last stored or verified.
    sa.Column("checked", sa.Float, nullable=False, server_default="0"),
    sa.Index("blobs_by_owner", "owner"),
    sa.Index("blobs_by_age", "touched"),
    sa.Index("blobs_by_check", "lost", "checked"),
)
# The library of palettes: every version that is kept.
palettes = sa.Table(
    "palettes",
    metadata,
    sa.Column("name", sa.String(100), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    # JSON of a Palette, its bytes, which count toward the author's quota, and how many colors it has.
    sa.Column("swatches", sa.Text, nullable=False),
    sa.Column("bytes", sa.Integer, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    # The name of the token that it came with.
    sa.Column("author", sa.String(200), nullable=False),
    sa.Column("created", sa.Float, nullable=False),
    sa.Index("palettes_by_author", "author"),
)
# The blob store of this database: one row, whose id is also in the store.
stores = sa.Table(
    "stores",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", sa.String(32), nullable=False),
)
# Up to which event the webhook has heard of the ends of jobs: one row. It hears of none up to `since`.
webhook = sa.Table(
    "webhook",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("since", sa.Integer, nullable=False),
    sa.Column("latest", sa.Integer, nullable=False),
)
image_facts = sa.Table(
    "pictures",
    metadata,
    sa.Column("address", sa.String(64), primary_key=True),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("has_lines", sa.Boolean, nullable=False),
    sa.Column("has_clear", sa.Boolean, key="has_transparency", nullable=False),
    sa.Column("is_swapped", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("is_clear", sa.Boolean, nullable=False, server_default=sa.false()),
)
workers = sa.Table(
    "workers",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("device", sa.String(16), nullable=False),
    sa.Column("beat", sa.Float, nullable=False),
    # Whether it ended voluntarily; its jobs then do not count as crashed.
    sa.Column("left", sa.Boolean, nullable=False, default=False),
    # For display: where it runs, its device, and the device's total and free memory.
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
    # From when on it is worthless; null if never.
    sa.Column("expires", sa.Float),
)
sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    # Digest of the token that it was opened with.
    sa.Column("token", sa.String(64), nullable=False),
    sa.Column("expires", sa.Float, nullable=False),
)
