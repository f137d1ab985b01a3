# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of the server's space counts toward the quota of a token."""

import sqlalchemy as sa

from .tables import blobs, palettes


def bytes_of(connection: sa.Connection, owner: str) -> int:
    """Return the bytes of the blobs and palettes that came first with the tokens of `owner`."""
    sizes = (sa.select(table.c.bytes).where(who == owner) for table, who in _OWNERS)
    kept = sa.union_all(*sizes).subquery()
    return int(connection.execute(sa.select(sa.func.coalesce(sa.func.sum(kept.c.bytes), 0))).scalar_one())


_OWNERS = ((blobs, blobs.c.owner), (palettes, palettes.c.author))
