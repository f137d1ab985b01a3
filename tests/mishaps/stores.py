# SPDX-License-Identifier: GPL-3.0-or-later
"""The blob stores of a campaign, a folder or a bucket of an S3 server, as somebody sees them who is not the server."""

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

BUCKET = "mishaps"  # moto keeps the buckets of all its servers in a process together
KEYS = {"key": "test", "secret": "test"}


class Store(Protocol):
    """A store, and what can happen to it. Names are paths within it.

    url: its address, for `--blobs`. variables: what its clients need in their environment.
    """

    url: str
    variables: dict[str, str]

    def names(self) -> list[str]:
        """Return the names of all files."""

    def read(self, name: str) -> bytes:
        """Return the bytes of a file. Raises FileNotFoundError."""

    def write(self, name: str, content: bytes, age_seconds: float = 0.0) -> None:
        """Write a file that is so old."""

    def remove(self, name: str) -> None:
        """Remove a file."""

    def age(self, seconds: float) -> None:
        """Let all files be so old."""

    def beside(self, name: str) -> "Store":
        """Return another store beside this one. It may contain foreign files."""

    def away(self) -> Any:
        """Let the store be away until the block ends."""


def snapshot(store: Store) -> dict[str, bytes]:
    """Return the files of a store."""
    return {name: store.read(name) for name in store.names()}


def name_of(address: str) -> str:
    """Return the name of a blob."""
    return f"{address[:2]}/{address}"


class FolderStore:
    """A folder on this machine."""

    def __init__(self, folder: Path) -> None:
        self.url = str(folder)
        self.variables: dict[str, str] = {}
        self._folder = folder

    def names(self) -> list[str]:
        """Return the names of all files."""
        return [path.relative_to(self._folder).as_posix() for path in self._folder.rglob("*") if path.is_file()]

    def read(self, name: str) -> bytes:
        """Return the bytes of a file. Raises FileNotFoundError."""
        return (self._folder / name).read_bytes()

    def write(self, name: str, content: bytes, age_seconds: float = 0.0) -> None:
        """Write a file that is so old."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (time.time() - age_seconds,) * 2)

    def remove(self, name: str) -> None:
        """Remove a file."""
        (self._folder / name).unlink()

    def age(self, seconds: float) -> None:
        """Let all files be so old."""
        for path in self._folder.rglob("*"):
            os.utime(path, (time.time() - seconds,) * 2)

    def beside(self, name: str) -> "FolderStore":
        """Return another folder beside this one."""
        return FolderStore(self._folder.with_name(name))

    @contextmanager
    def away(self) -> Iterator[None]:
        """Let the folder be empty until the block ends, as a disk that is not mounted."""
        mounted = self._folder.with_name("mounted")
        self._folder.rename(mounted)
        self._folder.mkdir()
        try:
            yield
        finally:
            self._folder.rmdir()
            mounted.rename(self._folder)


class BucketStore:
    """A prefix of a bucket. moto, a stand-in for S3 in this process, serves it on a port of this machine."""

    def __init__(self, moto: "Moto", prefix: str = "blobs") -> None:
        self.url = f"s3://{BUCKET}/{prefix}"
        self.variables = {
            "FSSPEC_S3_KEY": KEYS["key"],
            "FSSPEC_S3_SECRET": KEYS["secret"],
            "FSSPEC_S3_ENDPOINT_URL": moto.endpoint,
        }
        self._moto, self._prefix = moto, f"{prefix}/"

    def names(self) -> list[str]:
        """Return the names of all objects."""
        return [key.removeprefix(self._prefix) for key in self._moto.objects() if key.startswith(self._prefix)]

    def read(self, name: str) -> bytes:
        """Return the bytes of an object. Raises FileNotFoundError."""
        found = self._moto.objects().get(self._prefix + name)
        if found is None:
            raise FileNotFoundError(name)
        return bytes(found.value)

    def write(self, name: str, content: bytes, age_seconds: float = 0.0) -> None:
        """Write an object that is so old."""
        self._moto.client.put_object(Bucket=BUCKET, Key=self._prefix + name, Body=content)
        self._moto.age(self._prefix + name, age_seconds)

    def remove(self, name: str) -> None:
        """Remove an object."""
        self._moto.client.delete_object(Bucket=BUCKET, Key=self._prefix + name)

    def age(self, seconds: float) -> None:
        """Let all objects be so old."""
        for name in self.names():
            self._moto.age(self._prefix + name, seconds)

    def beside(self, name: str) -> "BucketStore":
        """Return another prefix of the same bucket."""
        return BucketStore(self._moto, name)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Let nobody listen until the block ends."""
        self._moto.stop()
        try:
            yield
        finally:
            self._moto.start()


class Moto:
    """The S3 server. Its objects stay while it is stopped."""

    def __init__(self, port: int) -> None:
        import boto3

        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for every request
        self._port = port
        self.endpoint = f"http://127.0.0.1:{port}"
        self.start()
        self.client: Any = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=KEYS["key"],
            aws_secret_access_key=KEYS["secret"],
            region_name="us-east-1",
        )
        self.client.create_bucket(Bucket=BUCKET)

    def start(self) -> None:
        """Listen."""
        from moto.server import ThreadedMotoServer

        self._server: Any = ThreadedMotoServer("127.0.0.1", self._port, verbose=False)
        self._server.start()

    def stop(self) -> None:
        """Listen no more."""
        self._server.stop()

    def objects(self) -> dict[str, Any]:
        """Return the objects of the bucket by their keys."""
        from moto.s3.models import s3_backends

        return dict(next(iter(s3_backends.values()))["aws"].buckets[BUCKET].keys.items())

    def age(self, key: str, seconds: float) -> None:
        """Let an object be so old."""
        from datetime import timedelta

        found = self.objects()[key]
        found.last_modified = found.last_modified - timedelta(seconds=seconds)
