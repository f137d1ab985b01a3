# SPDX-License-Identifier: GPL-3.0-or-later
"""More facts about images: whether they are white on black, and whether they are transparent all over."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

COLUMNS = ("is_swapped", "is_clear")


def upgrade() -> None:
    """Add the columns. The images are looked at again when a job uses them next."""
    present = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("pictures")}
    missing = [name for name in COLUMNS if name not in present]
    if missing:
        op.execute("DELETE FROM pictures")
    for name in missing:
        op.add_column("pictures", sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false()))
