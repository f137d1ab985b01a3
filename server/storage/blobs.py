# SPDX-License-Identifier: GPL-3.0-or-later
"""The blob store: bytes under their SHA-256 address, never changed once written."""

import os
import tempfile
from pathlib import Path

import fsspec
from fsspec.implementations.local import LocalFileSystem

from shared.digests import address_of


class MissingBlob(LookupError):
    """The store has no blob of that address."""

    def __init__(self, address: str) -> None:
        super().__init__(f"Blob {address} is not in the store: upload it again.")
        self.address = address


class Blobs:
    """A store of blobs at `url`, any address that fsspec understands (a folder, `memory://`, `s3://` …)."""

    def __init__(self, url: str) -> None:
        self._files, self._root = fsspec.core.url_to_fs(url)

    def _path(self, address: str) -> str:
        # Two digits of folder keep listings short when there are a million frames.
        return f"{self._root}/{address[:2]}/{address}"

    def __contains__(self, address: str) -> bool:
        return bool(self._files.isfile(self._path(address)))

    def read(self, address: str) -> bytes:
        """Return the bytes of a blob; raises MissingBlob."""
        try:
            return self._files.cat_file(self._path(address))
        except FileNotFoundError as error:
            raise MissingBlob(address) from error

    def write(self, content: bytes) -> str:
        """Store `content` and return its address. A reader never sees half a blob."""
        address = address_of(content)
        if address in self:
            return address
        path = self._path(address)
        self._files.makedirs(os.path.dirname(path), exist_ok=True)
        if isinstance(self._files, LocalFileSystem):
            _write_durably(Path(path), content)
        else:
            self._files.pipe_file(path, content)
        return address


def _write_durably(path: Path, content: bytes) -> None:
    """Write a local file so that after a crash it is either whole or absent."""
    descriptor, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
