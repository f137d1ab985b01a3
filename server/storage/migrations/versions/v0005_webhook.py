# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the webhook has heard of the ends of jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the table, if it is not there."""
    if not sa.inspect(op.get_bind()).has_table("webhook"):
        op.create_table(
            "webhook",
            sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("since", sa.Integer, nullable=False),
            sa.Column("latest", sa.Integer, nullable=False),
        )
