# SPDX-License-Identifier: GPL-3.0-or-later
"""The marker of a blob store says which database the store belongs to.

A server removes blobs that its database does not need. With another database on the same store, an empty one, or a
folder that was not mounted, it would remove or miss what others need. So the store and its database have the same id.
"""

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from fsspec.implementations.local import LocalFileSystem

from server import files
from server.config import ConfigError
from shared.digests import is_address

from .schema import setting_up
from .store_files import open_files
from .tables import blobs, stores

MARKER = "longanimation-store.json"
PRIVATE, PRIVATE_FOLDER = 0o600, 0o700
"""Modes of the files and folders of a local store."""
SAMPLE = 20
"""How many blobs of a database are looked for in a store without a marker."""
FOLDER_NAME = re.compile("[0-9a-f]{2}")
ADOPT = (
    "If this store shall be this database's, run `python -m server adopt` with the same --data, --database and --blobs."
)
AWAY = (
    "The server's blob store is away, not writable, or not this database's: ask whoever runs the server to look at its "
    "log, and at the store's folder and rights."
)
"""What users are told. The reason names the folder, which is only for whoever runs the server."""


class StoreConflict(ConfigError):
    """The blob store does not belong to this database, or is not there; nothing in it is removed."""


class StoreMarker:
    """The marker of the store at `url`, which is any address that fsspec understands, and the id in the database."""

    def __init__(self, engine: sa.Engine, url: str) -> None:
        self._engine = engine
        self._files, self._root = open_files(url)

    def claim(self) -> None:
        """Check that the store is this database's. A new store becomes it, and so does a store of an earlier version
        that has blobs of this database.

        Raises StoreConflict, and OSError or the store's own errors if it does not answer.
        """
        with self._engine.connect() as connection:
            own = _own_id(connection)
        if own is None:
            with setting_up(self._engine) as connection:
                own = _own_id(connection)  # another process may have been faster
                if own is None:
                    own = self._acceptable_id(connection) or uuid.uuid4().hex
                    self._write(own)
                    connection.execute(sa.insert(stores).values(number=1, id=own))
        self.check()

    def check(self) -> None:
        """Check that the store is this database's, or could become it, and write nothing. Raises as `claim` does."""
        with self._engine.connect() as connection:
            own = _own_id(connection)
            if own is None:
                self._acceptable_id(connection)
            elif (found := self._find()) != own:
                raise StoreConflict(self._conflict(found))

    def adopt(self) -> None:
        """Give the store to this database. Servers of another database then refuse it. Foreign files stay.

        Raises OSError or the store's own errors if it cannot be written.
        """
        new = uuid.uuid4().hex
        with setting_up(self._engine) as connection:
            self._write(new)
            connection.execute(sa.delete(stores))
            connection.execute(sa.insert(stores).values(number=1, id=new))

    def _acceptable_id(self, connection: sa.Connection) -> str | None:
        """Return the id that the store has, or None if it has none, for a database without an id. Raises
        StoreConflict."""
        found = self._find()
        names = [name for name in self._names(self._root) if MARKER not in name]
        folders = [f"{self._root}/{name}" for name in names if FOLDER_NAME.fullmatch(name)]
        has_blobs = any(is_address(name) for folder in folders for name in self._names(folder))
        if found is None and names:
            listed = connection.scalars(sa.select(blobs.c.address).where(~blobs.c.pending_delete).limit(SAMPLE))
            if any(self._files.isfile(f"{self._root}/{address[:2]}/{address}") for address in listed):
                return None  # of a version without markers
        if has_blobs:
            raise StoreConflict(
                f"The blob store {self._root} is full of images, and this database knows none of them. It belongs to "
                "another database: was --database or LONGANIMATION_DATABASE forgotten, or a database lost? Give that "
                f"database, or choose another store with --blobs. {ADOPT} Images that no job of it needs are removed "
                "after a day."
            )
        if found is None and names:
            raise StoreConflict(
                f"The folder {self._root} is not empty and not a blob store: it contains {sorted(names)[0]!r}. Choose "
                f"an empty folder with --blobs. {ADOPT} Other files in it are left alone."
            )
        return found

    def _conflict(self, found: str | None) -> str:
        if found is None:
            return (
                f"The blob store {self._root} lacks its marker {MARKER}: is its disk mounted, and is --blobs right? "
                f"{ADOPT}"
            )
        return (
            f"The blob store {self._root} belongs to another database, or was given to another one: give that one with "
            f"--database or --data, or choose another store with --blobs. {ADOPT} The other database's servers then "
            "refuse it."
        )

    def _find(self) -> str | None:
        """Return the id in the store, or None if it has no marker. Raises StoreConflict if it cannot be read."""
        try:
            content: bytes = self._files.cat_file(f"{self._root}/{MARKER}")
        except FileNotFoundError:
            return None
        try:
            return str(json.loads(content)["id"])
        except (ValueError, TypeError, KeyError) as error:
            raise StoreConflict(f"The marker {MARKER} of the blob store {self._root} is damaged. {ADOPT}") from error

    def _write(self, own: str) -> None:
        content = json.dumps({"id": own, "about": "The blob store of LongAnimation Color. Do not change it."}).encode()
        if isinstance(self._files, LocalFileSystem):
            files.make_folder(Path(self._root), PRIVATE_FOLDER)
            files.write_file(Path(self._root) / MARKER, content, PRIVATE, concurrent=True)
        else:
            self._files.makedirs(self._root, exist_ok=True)
            self._files.pipe_file(f"{self._root}/{MARKER}", content)

    def _names(self, folder: str) -> Iterator[str]:
        """Yield the names in a folder; none if it is missing or a file."""
        if self._files.isdir(folder):
            yield from (path.rstrip("/").rsplit("/", 1)[-1] for path in self._files.ls(folder, detail=False))


def _own_id(connection: sa.Connection) -> str | None:
    return connection.scalar(sa.select(stores.c.id))
