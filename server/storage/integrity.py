# SPDX-License-Identifier: GPL-3.0-or-later
"""Is the database whole, and of this server's version? A server that answers its other requests may not notice."""

import sqlite3
from typing import Any

import sqlalchemy as sa

from .schema import CURRENT, version_of


class Integrity:
    """What is known about the state of a database.

    damage: what is damaged, as SQLite says it; empty as long as nothing is known. It stays until the process ends,
    because a damaged database must be restored while the server is stopped.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self.damage = ""
        sa.event.listen(engine, "handle_error", self._notice)

    def check(self) -> None:
        """Read the whole database, if it is an SQLite file, and record what is damaged. Raises OperationalError if it
        does not answer."""
        with self._engine.connect() as connection:
            self.damage = self.damage or find_damage(connection)

    def is_current(self) -> bool:
        """Return whether the database still has this server's version. A newer server may have updated it."""
        with self._engine.connect() as connection:
            return version_of(connection) == CURRENT

    def _notice(self, context: Any) -> None:
        if is_damage(context.original_exception):
            self.damage = str(context.original_exception)


def find_damage(connection: sa.Connection) -> str:
    """Return what is damaged in an SQLite file, or an empty text. PostgreSQL has tools of its own for that."""
    if connection.dialect.name != "sqlite":
        return ""
    try:
        found = list(connection.scalars(sa.text("PRAGMA quick_check(5)")))
    except sa.exc.DatabaseError as error:
        if not is_damage(error.orig):
            raise
        return str(error.orig)
    return "" if found == ["ok"] else "; ".join(found)


def is_damage(error: BaseException | None) -> bool:
    """Return whether an error of SQLite means that its file is damaged."""
    code = getattr(error, "sqlite_errorcode", None) or 0
    return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_unusable(error: sa.exc.DBAPIError) -> bool:
    """Return whether an error means that the database is away, locked or damaged, rather than a bug."""
    return isinstance(error, sa.exc.OperationalError) or is_damage(error.orig)
