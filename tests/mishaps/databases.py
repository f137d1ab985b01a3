# SPDX-License-Identifier: GPL-3.0-or-later
"""The databases of a campaign: an SQLite file or a PostgreSQL server. Both can be away for a while."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from server.config import Config
from tests.postgresql import PostgreSQL

LOCKED_SECONDS, STOPPED_SECONDS = 35.0, 10.0
"""How long an outage lasts: a little longer than SQLite waits for a lock, and a restart of PostgreSQL."""


@dataclass(frozen=True)
class Database:
    """A database of one studio.

    data: the folder of an SQLite file. address: of PostgreSQL, else empty. postgresql: its server.
    """

    data: Path
    address: str = ""
    postgresql: PostgreSQL | None = None

    @property
    def outage_seconds(self) -> float:
        """How long an outage lasts."""
        return LOCKED_SECONDS if self.postgresql is None else STOPPED_SECONDS

    def open(self) -> sa.Engine:
        """Connect to it as it is. The engine keeps no connection."""
        self.data.mkdir(parents=True, exist_ok=True)
        url = Config(self.data, database=self.address).database_url
        return sa.create_engine(url, poolclass=sa.NullPool)

    def run(self, statement: str, **values: object) -> list[sa.Row[*tuple[object, ...]]]:
        """Run a statement in a transaction of its own; return its rows."""
        engine = self.open()
        with engine.begin() as connection:
            result = connection.execute(sa.text(statement), values)
            return list(result.all()) if result.returns_rows else []

    def sibling(self, data: Path) -> "Database":
        """Return another database of the same kind, which is new."""
        return Database(data, "" if self.postgresql is None else self.postgresql.new_database(), self.postgresql)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Lock it, or stop its server, until the block ends."""
        if self.postgresql is not None:
            self.postgresql.stop()
            try:
                yield
            finally:
                self.postgresql.start()
            return
        file = sqlite3.connect(self.data / "server.sqlite", isolation_level=None, timeout=30, check_same_thread=False)
        try:
            file.execute("BEGIN IMMEDIATE")
            yield
            file.execute("ROLLBACK")
        finally:
            file.close()
