# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the database: does it answer, is it intact, and are there tokens if they are needed? It is only read."""

import time
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from server.config import Config
from server.storage.database import now
from server.storage.integrity import find_damage
from server.storage.schema import CURRENT, KNOWN, version_of
from server.storage.tables import blobs, metadata, tokens

from .blobs import check_owner
from .finding import Finding, fault, ok, warning

CONNECT_SECONDS = 5
CLOCK_SECONDS = 10.0
"""The most that the clocks of the database and a server may differ. Half a minute decides whether a job is stalled."""
LOST = (
    "Check the disk. Frames are colored again; send other shots again, or put the files back from a backup "
    "(docs/operations.md)."
)
RESTORE = "Stop the server and restore the backup (docs/operations.md); keep the damaged files until all is well."


def check_database(config: Config) -> Iterator[Finding]:
    """Check the database of a server. A missing one is fine, because the server creates it."""
    url = config.database_url
    path = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
    if path is not None and not path.exists():
        yield ok("Database", f"{path} will be created")
        yield from check_owner(config, _empty())
        yield from _check_tokens(config, 0)
        return
    engine = _read_only(url, path)
    try:
        with engine.connect() as connection:
            yield from _check_contents(connection, path)
            if version_of(connection) == CURRENT:
                yield from _check_lost(connection)
                yield from check_owner(config, engine)
            present = set(sa.inspect(connection).get_table_names())
            known = tokens.name in present and connection.scalar(sa.select(sa.func.count()).select_from(tokens))
            yield from _check_tokens(config, int(known or 0))
    except sa.exc.DBAPIError as error:
        shown = path or url.render_as_string(hide_password=True)
        if path is not None:
            yield fault("Database", f"{shown} cannot be read: {error.orig}", RESTORE)
        else:
            remedy = (
                "Check that PostgreSQL runs, and that its address, user, password and pg_hba.conf let this machine in."
            )
            yield fault("Database", f"{shown} does not answer: {str(error.orig).strip()}", remedy)
    finally:
        engine.dispose()


def _empty() -> sa.Engine:
    """Return a new database in memory, which is what a server would create."""
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    metadata.create_all(engine)
    return engine


def _read_only(url: sa.URL, path: Path | None) -> sa.Engine:
    if path is None:
        arguments = {"connect_timeout": CONNECT_SECONDS, "options": "-c default_transaction_read_only=on"}
        return sa.create_engine(url, connect_args=arguments)
    # Without a write-ahead log next to it, nobody has it open. SQLite would create one even to read; this avoids it.
    closed = not path.with_name(path.name + "-wal").exists()
    query = {"uri": "true", "mode": "ro"} | ({"immutable": "1"} if closed else {})
    return sa.create_engine(sa.URL.create("sqlite", database=f"file:{path.as_posix()}", query=query))


def _check_contents(connection: sa.Connection, path: Path | None) -> Iterator[Finding]:
    if path is not None:
        if damage := find_damage(connection):
            yield fault("Database", f"{path} is damaged: {damage}", RESTORE)
            return
        product = f"SQLite {connection.scalar(sa.text('select sqlite_version()'))}, {path.stat().st_size / 1e6:.1f} MB"
    else:
        product = f"PostgreSQL {connection.scalar(sa.text('show server_version'))}"
        before = time.time()
        theirs = connection.scalar(sa.select(now())) or 0.0
        apart = theirs - (before + time.time()) / 2
        if abs(apart) > CLOCK_SECONDS:
            text = f"the database is {abs(apart):.0f} s {'ahead of' if apart > 0 else 'behind'} this machine"
            yield fault("Clock", text, "Synchronize both clocks by NTP (timedatectl set-ntp true).")
        else:
            yield ok("Clock", "the clocks of the database and this machine agree")
    yield _check_schema(connection, product)


def _check_schema(connection: sa.Connection, product: str) -> Finding:
    absent = metadata.tables.keys() - set(sa.inspect(connection).get_table_names())
    schema = version_of(connection)
    if len(absent) == len(metadata.tables):
        return ok("Database", f"{product}, empty; a server creates its tables")
    if schema is not None and schema not in KNOWN:
        text = f"{product}, of a newer server: its schema is version {schema}, and this server knows {CURRENT}"
        return fault("Database", text, "Update this server, or choose another database or data folder.")
    if schema != CURRENT:
        without = f": without {', '.join(sorted(absent))}" if absent else ""
        remedy = "A server of this version updates it when it starts. Make a backup first."
        return warning("Database", f"{product}, of an older server{without}", remedy)
    if absent:
        return fault("Database", f"{product}, damaged: without {', '.join(sorted(absent))}", RESTORE)
    return ok("Database", f"{product}, whole")


def _check_lost(connection: sa.Connection) -> Iterator[Finding]:
    if count := connection.scalar(sa.select(sa.func.count()).select_from(blobs).where(blobs.c.lost)):
        yield warning("Images", f"{count} images are lost or damaged in the blob store", LOST)


def _check_tokens(config: Config, count: int) -> Iterator[Finding]:
    if count:
        yield ok("Tokens", f"there are {count}")
    elif config.is_private:
        yield ok("Tokens", "none, and none is needed: only this machine can reach the server")
    else:
        remedy = (
            f"Make one: `python -m server token --role admin --data {config.data}`, with --database where one is used."
        )
        yield fault("Tokens", f"none, and a server refuses to listen on {config.host} without", remedy)
