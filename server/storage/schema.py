# SPDX-License-Identifier: GPL-3.0-or-later
"""The schema of the database and its version. A server updates an older schema and refuses a newer one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from server.config import ConfigError

MIGRATIONS = Path(__file__).parent / "migrations"
SETTING_UP = 7860
"""Key of the lock that keeps two processes from setting up one PostgreSQL database at once."""

_VERSIONS = sa.table("alembic_version", sa.column("version_num", sa.String))
_SCRIPTS = ScriptDirectory(str(MIGRATIONS))
CURRENT = _SCRIPTS.get_current_head()
"""The version that this server works with."""
KNOWN = frozenset(script.revision for script in _SCRIPTS.walk_revisions())
"""The versions that it can update, and its own."""


def version_of(connection: sa.Connection) -> str | None:
    """Return the version of a database's schema, or None if it has no schema yet or is of version 0.1.0."""
    # Alembic's own reader makes a table object a call, each of which SQLAlchemy's cache of statements keeps.
    if not sa.inspect(connection).has_table(_VERSIONS.name):
        return None
    return connection.execute(sa.select(_VERSIONS.c.version_num)).scalar_one_or_none()


def migrate(engine: sa.Engine) -> None:
    """Create the tables of a new database, or update those of an older one. Raises ConfigError."""
    with engine.connect() as connection:
        version = version_of(connection)
    if version == CURRENT:
        return
    if version is not None and version not in KNOWN:
        raise ConfigError(
            f"The database was made by a newer server: its schema is version {version}, and this server knows "
            f"{CURRENT}. Update this server, or choose another database or data folder."
        )
    settings = Config()
    settings.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with setting_up(engine) as connection:  # another process may have done the same; its work is not repeated
        settings.attributes["connection"] = connection
        command.upgrade(settings, "head")


@contextmanager
def setting_up(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Begin a transaction that only one process at a time can be in."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(SETTING_UP)))
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection
