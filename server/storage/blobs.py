# SPDX-License-Identifier: GPL-3.0-or-later
"""The blob store: bytes under their SHA-256 address, immutable once written and removed when no longer needed."""

import contextlib
import errno
import hashlib
import logging
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from fsspec.implementations.local import LocalFileSystem

from server import files
from shared.digests import address_of

from .database import BATCH, QuotaExceeded, batches, lock_owner, now, writing
from .image_facts import ImageFacts, record_image_facts
from .quota import bytes_of
from .space import NoSpace, free_bytes, is_full
from .store_files import open_files
from .store_marker import PRIVATE, PRIVATE_FOLDER, StoreConflict, StoreMarker
from .tables import blobs, frames, image_facts, inputs, segments
from .write_check import store_errors

TOUCH_SECONDS = 600.0
"""Precision of the recorded time at which a blob was last requested."""
CHECK_SECONDS = 30 * 24 * 3600.0
"""How often the bytes of each blob are verified."""
LOST_SECONDS = 3600.0
"""How often the store is asked again for a blob that was lost. It may have been put back from a backup."""
CHECK_BATCH = 20
"""How many blobs are verified before that is recorded."""
PART_BYTES = 1_000_000
"""In which parts a blob is streamed."""
_BLOB = re.compile(r"(?P<folder>[0-9a-f]{2})/(?P<address>(?P=folder)[0-9a-f]{62})")
_LEFTOVER = re.compile(r"[0-9a-f]{2}/\.[0-9a-f]{64}(\.[0-9a-f]{8})?\.part|probe-[0-9a-f]{32}")
"""Paths within a store: blobs, and what a crash leaves of an unfinished one or of a trial. Other files are foreign."""

logger = logging.getLogger(__name__)


class MissingBlob(LookupError):
    """The store has no blob with this address, or only damaged bytes."""

    def __init__(self, address: str) -> None:
        super().__init__(f"The image or data {address} is lost or damaged in the server's store: upload it again.")
        self.address = address


@dataclass(frozen=True)
class Removed:
    """The blobs that a collection removed."""

    count: int = 0
    bytes: int = 0


class Blobs:
    """A store of blobs at `url`, any address that fsspec understands (a folder, `memory://`, `s3://` …).

    The database lists the blobs, so that a remote store is not queried for each of a thousand drawings. A row
    guarantees that the file exists: it is written after the file, and marked before the file is removed. Disks break
    that guarantee. Bytes are therefore verified when they are read, and all of them from time to time. A blob whose
    file is gone or damaged is marked as lost and counts as missing, until somebody stores it again.

    Nothing is removed or marked as lost unless the store is this database's, see `StoreMarker`.
    """

    def __init__(self, engine: sa.Engine, url: str) -> None:
        self.marker = StoreMarker(engine, url)
        self._engine = engine
        self._files, self._root = open_files(url)
        self._folders: set[Path] = set()  # folders whose names are known to be on the disk

    @property
    def free_bytes(self) -> int | None:
        """Return the free space in bytes, or None if the store does not know it."""
        return free_bytes(Path(self._root)) if isinstance(self._files, LocalFileSystem) else None

    def missing(self, addresses: Iterable[str], touch: bool = True) -> list[str]:
        """Return the addresses that are not in the store, each once. With `touch`, the others are not collected for a
        while."""
        wanted = list(dict.fromkeys(addresses))
        known: set[str] = set()
        for batch in batches(wanted):
            present = sa.select(blobs.c.address, blobs.c.touched < now() - TOUCH_SECONDS)
            present = present.where(blobs.c.address.in_(batch), ~blobs.c.pending_delete, ~blobs.c.lost)
            with self._engine.connect() as connection:
                found = {address: bool(old) for address, old in connection.execute(present)}
            known |= found.keys()
            if old := [address for address, is_old in found.items() if is_old and touch]:
                with self._engine.begin() as connection:
                    renewal = sa.update(blobs).where(blobs.c.address.in_(old), ~blobs.c.pending_delete)
                    touched = connection.execute(renewal.values(touched=now()).returning(blobs.c.address))
                    known -= set(old) - set(touched.scalars())  # a collector was faster
        return [address for address in wanted if address not in known]

    def sizes(self, addresses: Iterable[str]) -> dict[str, int]:
        """Return the sizes in bytes of those of the blobs that are in the store."""
        sizes: dict[str, int] = {}
        for batch in batches(list(dict.fromkeys(addresses))):
            known = sa.select(blobs.c.address, blobs.c.bytes).where(blobs.c.address.in_(batch))
            with self._engine.connect() as connection:
                rows = connection.execute(known.where(~blobs.c.pending_delete, ~blobs.c.lost))
                sizes |= {row.address: row.bytes for row in rows}
        return sizes

    def read(self, address: str) -> bytes:
        """Return the bytes of a blob, which are verified. Raises MissingBlob."""
        content = self._whole(address)
        if content is None:
            self._record_checks({address: False})
            raise MissingBlob(address)
        return content

    def stream(self, address: str) -> tuple[int, Iterator[bytes]]:
        """Return the size of a blob and its bytes in parts, which are read one by one. Raises MissingBlob.

        If the blob turns out to be damaged, the parts end before the last one with MissingBlob, so that nobody who
        knows the size takes them for whole.
        """
        try:
            size = self._files.size(self._path(address))
        except FileNotFoundError:
            size = None
        if size is None or size != self.sizes([address]).get(address):
            self._record_checks({address: False})
            raise MissingBlob(address)
        return size, self._parts(address, size)

    def _parts(self, address: str, size: int) -> Iterator[bytes]:
        digest = hashlib.sha256()
        for start in range(0, size, PART_BYTES):
            part: bytes = self._files.cat_file(self._path(address), start=start, end=min(start + PART_BYTES, size))
            digest.update(part)
            if start + PART_BYTES >= size and digest.hexdigest() != address:
                self._record_checks({address: False})
                raise MissingBlob(address)
            yield part

    def verify(self, address: str) -> bool:
        """Return whether the bytes of a blob are in the store and whole. If not, the blob counts as missing."""
        whole = self._whole(address) is not None
        self._record_checks({address: whole})
        return whole

    def verify_oldest(self, seconds: float) -> int:
        """Verify blobs for about `seconds`, first those that have not been verified for the longest time.

        Blobs that were verified within a month are left alone. Return how many were newly found lost.
        """
        end = time.monotonic() + seconds
        count = 0
        for kind, age in ((blobs.c.lost, LOST_SECONDS), (~blobs.c.lost, CHECK_SECONDS)):
            query = sa.select(blobs.c.address).where(kind, blobs.c.checked < now() - age, ~blobs.c.pending_delete)
            while time.monotonic() < end:
                with self._engine.connect() as connection:
                    addresses = list(connection.scalars(query.order_by(blobs.c.checked).limit(CHECK_BATCH)))
                if not addresses:
                    break
                count += self._record_checks({address: self._whole(address) is not None for address in addresses})
        return count

    def lost(self) -> int:
        """Return how many blobs are lost or damaged."""
        with self._engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(blobs).where(blobs.c.lost)) or 0

    def _whole(self, address: str) -> bytes | None:
        """Return the bytes of a blob, or None if they are absent, damaged or on a bad sector."""
        try:
            content: bytes = self._files.cat_file(self._path(address))
        except FileNotFoundError:
            return None
        except OSError as error:
            if not isinstance(self._files, LocalFileSystem) or error.errno != errno.EIO:
                raise
            return None
        return content if address_of(content) == address else None

    def _record_checks(self, found: Mapping[str, bool]) -> int:
        """Record which blobs are whole and which are lost. Return how many are newly lost. Raises StoreConflict."""
        whole = [address for address, is_whole in found.items() if is_whole]
        gone = [address for address, is_whole in found.items() if not is_whole]
        if gone:
            self.marker.claim()  # a folder that is not mounted has lost nothing
        update, own = sa.update(blobs), blobs.c.address
        with writing(self._engine) as connection:
            connection.execute(update.where(own.in_(whole)).values(lost=False, checked=now()))
            newly = sa.select(own).where(own.in_(gone), ~blobs.c.lost, ~blobs.c.pending_delete)
            news = set(connection.scalars(newly))
            connection.execute(update.where(own.in_(gone)).values(lost=True, checked=now()))
            # Nobody else can change their rows now. Whoever stored one after it was read has stored its file by now, or
            # changes its row later.
            back = [address for address in gone if self._whole(address) is not None]
            connection.execute(update.where(own.in_(back)).values(lost=False))
        news -= set(back)
        for address in news:
            logger.error("Blob %s is lost or damaged: it counts as missing until it is stored again.", address)
        return len(news)

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
        if quota_bytes is not None:
            with self._engine.connect() as connection:
                if bytes_of(connection, owner) + len(content) > quota_bytes:
                    raise QuotaExceeded
        self._store(address, content)
        with writing(self._engine) as connection:
            if quota_bytes is not None:
                lock_owner(connection, owner)
            self._record(connection, address, content, owner)
            # Other uploads may have been recorded since. The file is then an orphan, and is collected like one.
            if quota_bytes is not None and bytes_of(connection, owner) > quota_bytes:
                raise QuotaExceeded
            if facts is not None:
                record_image_facts(connection, address, facts)

    def _record(self, connection: sa.Connection, address: str, content: bytes, owner: str) -> None:
        """Add the row of a blob whose file is stored. Two threads may do this at the same time."""
        stored = {"touched": now(), "checked": now(), "pending_delete": False, "lost": False}
        again = sa.update(blobs).where(blobs.c.address == address, blobs.c.pending_delete | blobs.c.lost)
        if connection.execute(again.values(**stored)).rowcount == 0:
            row = {"address": address, "bytes": len(content), "owner": owner, **stored}
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
        A collection can be stopped at any moment, and several processes can run it at the same time. Raises
        StoreConflict.
        """
        self.marker.claim()
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
        """Add rows for blobs that a crash left without one, as if they had been stored now. Remove unfinished files.

        Files that are not the server's own are left alone. Return how many blobs and unfinished files there were. This
        lists the whole store. Raises StoreConflict.
        """
        self.marker.claim()
        with self._engine.connect() as connection:
            horizon = (connection.scalar(sa.select(now())) or 0.0) - age_seconds
        found = 0

        def is_old(path: str) -> bool:
            return bool(self._files.modified(path).timestamp() < horizon)

        for batch in batches(self._files.find(self._root)):
            unknown = {}
            for path in batch:
                within = path[len(self._root) :].lstrip("/")
                if blob := _BLOB.fullmatch(within):
                    unknown[blob["address"]] = path
                elif _LEFTOVER.fullmatch(within) and is_old(path):
                    found += 1
                    self._files.rm_file(path)
            with self._engine.connect() as connection:
                known = sa.select(blobs.c.address).where(blobs.c.address.in_(list(unknown)))
                for address in connection.scalars(known):
                    del unknown[address]
            # A remote store is asked once for each of these, and they are few.
            orphans = {address: self._files.size(path) for address, path in unknown.items() if is_old(path)}
            with self._engine.begin() as connection:
                for address, size in orphans.items():
                    found += 1
                    row = {"address": address, "bytes": size, "owner": "", "touched": now(), "pending_delete": False}
                    with contextlib.suppress(sa.exc.IntegrityError), connection.begin_nested():  # stored meanwhile
                        connection.execute(sa.insert(blobs).values(**row))
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
            self.marker.claim()  # rather than fill the disk below a folder that is not mounted
            files.make_folder(folder, PRIVATE_FOLDER)
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
            self._folders.clear()  # the folder may be gone
            raise


def _usage(connection: sa.Connection, owner: str | None) -> tuple[int, int]:
    query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(blobs.c.bytes), 0)).select_from(blobs)
    count, size = connection.execute(query if owner is None else query.where(blobs.c.owner == owner)).one()
    return int(count), int(size)


def open_blobs(engine: sa.Engine, url: str) -> Blobs:
    """Open the blob store at `url`. If it does not answer, that is logged, and it is claimed later.

    Raises StoreConflict if it is not the store of this database.
    """
    store = Blobs(engine, url)
    try:
        store.marker.claim()
    except StoreConflict:
        raise
    except store_errors() as error:
        logger.warning("The blob store does not answer: %s", error)
    return store
