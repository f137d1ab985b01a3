# SPDX-License-Identifier: GPL-3.0-or-later
"""Acknowledged work survives a power cut."""

import os
from pathlib import Path

import pytest
import sqlalchemy as sa

from server.config import Config
from server.storage.blobs import Blobs
from server.storage.database import open_database

from .power import Recording
from .trace import can_trace


@pytest.mark.skipif(not can_trace(), reason="no strace that may look at processes: sudo apt-get install strace")
def test_after_a_power_cut_a_server_goes_on_with_all_that_it_acknowledged(tmp_path: Path) -> None:
    recording = Recording(tmp_path, seed=3, shots=2)
    assert not recording.cut(0).wrong


def test_every_commit_waits_for_the_disk(tmp_path: Path) -> None:
    engine = open_database(Config(tmp_path))
    with engine.connect() as first, engine.connect() as second:  # the pool's, of which DBOS takes too
        for connection in (first, second):
            assert connection.scalar(sa.text("PRAGMA synchronous")) == 2, "FULL"
            assert connection.scalar(sa.text("PRAGMA journal_mode")) == "wal"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the system does not tell names of descriptors")
def test_a_blob_and_its_names_are_on_the_disk_before_it_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_database(Config(tmp_path))
    done: list[str] = []
    sync = os.fsync

    def noted_sync(descriptor: int) -> None:
        done.append(os.path.relpath(os.readlink(f"/proc/self/fd/{descriptor}"), tmp_path))
        sync(descriptor)

    replace = os.replace

    def noted_replace(source: str, target: Path) -> None:
        done.append("renamed")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(os, "replace", noted_replace)
    sa.event.listen(engine, "commit", lambda _connection: done.append("noted"))
    blobs = Blobs(engine, str(tmp_path / "shared" / "blobs"))
    blobs.marker.claim()
    assert {".", "shared", "shared/blobs"} <= set(done), "the folders are new themselves"
    done.clear()
    address = blobs.write(b"ink")
    folder = f"shared/blobs/{address[:2]}"
    *names, part, renamed, own, noted = done
    assert set(names) <= {"shared/blobs"}, "only the blob's own folder is new"
    assert part.startswith(f"{folder}/.{address}.") and part.endswith(".part")
    assert (renamed, own, noted) == ("renamed", folder, "noted")
