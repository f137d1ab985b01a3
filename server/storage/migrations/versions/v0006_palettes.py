# SPDX-License-Identifier: GPL-3.0-or-later
"""The library of palettes."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the table, if it is not there."""
    if not sa.inspect(op.get_bind()).has_table("palettes"):
        op.create_table(
            "palettes",
            sa.Column("name", sa.String(100), primary_key=True),
            sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("swatches", sa.Text, nullable=False),
            sa.Column("bytes", sa.Integer, nullable=False),
            sa.Column("count", sa.Integer, nullable=False),
            sa.Column("author", sa.String(200), nullable=False),
            sa.Column("created", sa.Float, nullable=False),
        )
        op.create_index("palettes_by_author", "palettes", ["author"])
