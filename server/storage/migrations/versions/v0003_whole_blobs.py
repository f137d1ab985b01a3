# SPDX-License-Identifier: GPL-3.0-or-later
"""Which blob store belongs to the database, and which blobs were found lost or whole."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the table and the columns. All blobs are verified soon, because none was before."""
    present = sa.inspect(op.get_bind())
    if "stores" not in present.get_table_names():
        op.create_table(
            "stores",
            sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("id", sa.String(32), nullable=False),
        )
    if "lost" not in {column["name"] for column in present.get_columns("blobs")}:
        op.add_column("blobs", sa.Column("lost", sa.Boolean, nullable=False, server_default=sa.false()))
        op.add_column("blobs", sa.Column("checked", sa.Float, nullable=False, server_default="0"))
        op.create_index("blobs_by_check", "blobs", ["lost", "checked"])
