# SPDX-License-Identifier: GPL-3.0-or-later
"""The blob store keeps what it is given, whole, under its address."""

import os
import uuid
from pathlib import Path

import pytest

from server.storage.blobs import Blobs, MissingBlob
from shared.digests import address_of


@pytest.fixture(params=["folder", "memory"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    """A store in a folder, and one in another of fsspec's file systems."""
    return Blobs(str(tmp_path / "blobs") if request.param == "folder" else f"memory://{uuid.uuid4()}")


def test_what_was_written_is_read_back(blobs: Blobs) -> None:
    address = blobs.write(b"ink")
    assert address == address_of(b"ink") == blobs.write(b"ink")
    assert address in blobs
    assert blobs.read(address) == b"ink"


def test_an_absent_blob_is_named(blobs: Blobs) -> None:
    absent = address_of(b"paper")
    assert absent not in blobs
    with pytest.raises(MissingBlob, match=absent):
        blobs.read(absent)


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = Blobs(str(tmp_path))

    def full(_descriptor: int) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        blobs.write(b"ink")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
