# SPDX-License-Identifier: GPL-3.0-or-later
"""The blob store: bytes under their SHA-256 address, immutable once written and removed when no longer needed."""

import contextlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import fsspec
import sqlalchemy as sa
from fsspec.implementations.local import LocalFileSystem

from server import files
from shared.digests import address_of, is_address

from .database import BATCH, QuotaExceeded, batches, lock_owner, now, writing
from .image_facts import ImageFacts, record_image_facts
from .space import NoSpace, free_bytes, is_full
from .tables import blobs, frames, image_facts, inputs, segments

PRIVATE = 0o600
"""File mode of the files of a local store."""
TOUCH_SECONDS = 600.0
"""Precision of the recorded time at which a blob was last requested."""


class MissingBlob(LookupError):
    """The store has no blob with this address."""

    def __init__(self, address: str) -> None:
        super().__init__(f"Blob {address} is not in the store: upload it again.")
        self.address = address


@dataclass(frozen=True)
class Removed:
    """The blobs that a collection removed."""

    count: int = 0
    bytes: int = 0


class Blobs:
    """A store of blobs at `url`, any address that fsspec understands (a folder, `memory://`, `s3://` …).

    The database lists the blobs, so that a remote store is not queried for each of a thousand drawings. A row
    guarantees that the file exists: it is written after the file, and marked before the file is removed.
    """

    def __init__(self, engine: sa.Engine, url: str) -> None:
        self._engine = engine
        self._files, self._root = fsspec.core.url_to_fs(url)
        self._folders: set[Path] = set()  # folders whose names are known to be on the disk

    @property
    def free_bytes(self) -> int | None:
        """Return the free space in bytes, or None if the store does not know it."""
        return free_bytes(Path(self._root)) if isinstance(self._files, LocalFileSystem) else None

    def missing(self, addresses: Iterable[str]) -> list[str]:
        """Return the addresses that are not in the store, each once. The others are not collected for a while."""
        wanted = list(dict.fromkeys(addresses))
        known: set[str] = set()
        for batch in batches(wanted):
            present = sa.select(blobs.c.address, blobs.c.touched < now() - TOUCH_SECONDS)
            present = present.where(blobs.c.address.in_(batch), ~blobs.c.pending_delete)
            with self._engine.connect() as connection:
                found = {address: bool(old) for address, old in connection.execute(present)}
            known |= found.keys()
            if old := [address for address, is_old in found.items() if is_old]:
                with self._engine.begin() as connection:
                    touch = sa.update(blobs).where(blobs.c.address.in_(old), ~blobs.c.pending_delete)
                    touched = connection.execute(touch.values(touched=now()).returning(blobs.c.address))
                    known -= set(old) - set(touched.scalars())  # a collector was faster
        return [address for address in wanted if address not in known]

    def read(self, address: str) -> bytes:
        """Return the bytes of a blob. Raises MissingBlob."""
        try:
            content: bytes = self._files.cat_file(self._path(address))
        except FileNotFoundError as error:
            raise MissingBlob(address) from error
        return content

    def write(self, content: bytes, owner: str = "") -> str:
        """Store `content` and return its address. A reader never sees half a blob. Raises NoSpace."""
        address = address_of(content)
        if self.missing([address]):
            self.add(address, content, owner)
        return address

    def write_all(self, contents: Sequence[bytes], owner: str = "") -> list[str]:
        """Store several blobs as `write` does, in one transaction, because each transaction waits for the disk."""
        named = {address_of(content): content for content in contents}
        missing = self.missing(named)
        for address in missing:
            self._store(address, named[address])
        with writing(self._engine) as connection:
            for address in missing:
                self._record(connection, address, named[address], owner)
        return [address_of(content) for content in contents]

    def add(
        self,
        address: str,
        content: bytes,
        owner: str = "",
        facts: ImageFacts | None = None,
        quota_bytes: int | None = None,
    ) -> None:
        """Store `content`, whose address was `missing`, and if it is an image, its facts.

        quota_bytes: how much the owner may have, with this one. Raises NoSpace and QuotaExceeded.
        """
        if quota_bytes is not None and self.usage(owner)[1] + len(content) > quota_bytes:
            raise QuotaExceeded
        self._store(address, content)
        with writing(self._engine) as connection:
            if quota_bytes is not None:
                lock_owner(connection, owner)
            self._record(connection, address, content, owner)
            # Other uploads may have been recorded since. The file is then an orphan, and is collected like one.
            if quota_bytes is not None and _usage(connection, owner)[1] > quota_bytes:
                raise QuotaExceeded
            if facts is not None:
                record_image_facts(connection, address, facts)

    def _record(self, connection: sa.Connection, address: str, content: bytes, owner: str) -> None:
        """Add the row of a blob whose file is stored. Two threads may do this at the same time."""
        row = {"address": address, "bytes": len(content), "owner": owner, "touched": now(), "pending_delete": False}
        undelete = sa.update(blobs).where(blobs.c.address == address, blobs.c.pending_delete)
        if connection.execute(undelete.values(pending_delete=False, touched=now())).rowcount == 0:
            with contextlib.suppress(sa.exc.IntegrityError), connection.begin_nested():
                connection.execute(sa.insert(blobs).values(**row))
        if not self._files.isfile(self._path(address)):  # a collector was faster; now the row is ours
            self._store(address, content)

    def usage(self, owner: str | None = None) -> tuple[int, int]:
        """Return the number of blobs and their total bytes. With `owner`, count only those uploaded with this token."""
        with self._engine.connect() as connection:
            return _usage(connection, owner)

    def collect(self, age_seconds: float) -> Removed:
        """Remove blobs that no job needs and nobody has requested for `age_seconds`, at least ten minutes.

        Uploads that were confirmed to a client, and frames that are stored but not yet recorded, are younger than that.
        A collection can be stopped at any moment, and several processes can run it at the same time.
        """
        needed = [
            sa.exists().where(column == blobs.c.address) for column in (inputs.c.blob, frames.c.blob, segments.c.state)
        ]
        age = max(age_seconds, 2 * TOUCH_SECONDS)
        with self._engine.begin() as connection:
            unneeded = (blobs.c.touched < now() - age, ~blobs.c.pending_delete, *(~one for one in needed))
            connection.execute(sa.update(blobs).where(*unneeded).values(pending_delete=True))
        count = size = 0
        while removed := self._delete_pending():
            count += len(removed)
            size += sum(removed)
        return Removed(count, size)

    def register_orphans(self, age_seconds: float) -> int:
        """Add rows for files that a crash left without one, so that the next collection finds them. Remove files that
        were never finished. Return how many there were. This lists the whole store."""
        found = 0
        with self._engine.connect() as connection:
            horizon = (connection.scalar(sa.select(now())) or 0.0) - age_seconds
        paths = [path for path in self._files.find(self._root) if self._files.modified(path).timestamp() < horizon]
        for batch in batches(paths):
            addresses = {path.rsplit("/", 1)[-1]: path for path in batch}
            with self._engine.begin() as connection:
                known = connection.scalars(sa.select(blobs.c.address).where(blobs.c.address.in_(list(addresses))))
                for name in addresses.keys() - set(known):
                    found += 1
                    if is_address(name):
                        size = self._files.size(addresses[name])
                        row = {"address": name, "bytes": size, "owner": "", "touched": 0.0, "pending_delete": False}
                        connection.execute(sa.insert(blobs).values(**row))
                    else:
                        self._files.rm_file(addresses[name])
        return found

    def _delete_pending(self) -> list[int]:
        """Remove a batch of the blobs that are pending deletion, and return the size of each in bytes."""
        with self._engine.begin() as connection:
            pending = sa.select(blobs.c.address).where(blobs.c.pending_delete).limit(BATCH)
            addresses = list(connection.scalars(pending.with_for_update(skip_locked=True)))
            gone = sa.delete(blobs).where(blobs.c.address.in_(addresses), blobs.c.pending_delete)
            rows = connection.execute(gone.returning(blobs.c.address, blobs.c.bytes)).all()
            connection.execute(sa.delete(image_facts).where(image_facts.c.address.in_([row.address for row in rows])))
            for row in rows:  # before their rows: after a crash in between they are still pending deletion
                path = self._path(row.address)
                if self._files.isfile(path):
                    self._files.rm_file(path)
        return [row.bytes for row in rows]

    def _path(self, address: str) -> str:
        # Folders named by two digits keep listings short when there are a million frames.
        return f"{self._root}/{address[:2]}/{address}"

    def _make_folder(self, folder: Path) -> None:
        if folder not in self._folders:
            files.make_folder(Path(self._root))
            files.make_folder(folder)
            self._folders.add(folder)

    def _store(self, address: str, content: bytes) -> None:
        path = self._path(address)
        try:
            if isinstance(self._files, LocalFileSystem):
                self._make_folder(Path(path).parent)
                files.write_file(Path(path), content, PRIVATE, concurrent=True)
            else:
                self._files.makedirs(os.path.dirname(path), exist_ok=True)
                self._files.pipe_file(path, content)
        except OSError as error:
            if is_full(error):
                raise NoSpace(f"There is no space for {len(content)} bytes.") from error
            raise


def _usage(connection: sa.Connection, owner: str | None) -> tuple[int, int]:
    query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(blobs.c.bytes), 0)).select_from(blobs)
    count, size = connection.execute(query if owner is None else query.where(blobs.c.owner == owner)).one()
    return int(count), int(size)
