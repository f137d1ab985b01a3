# SPDX-License-Identifier: GPL-3.0-or-later
"""Blobs are kept exactly as long as they are needed, in a folder and on S3, with SQLite and PostgreSQL."""

import os
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from server.config import Config
from server.storage.blobs import Blobs, MissingBlob, open_blobs
from server.storage.database import now, open_database
from server.storage.job_changes import JobChanges
from server.storage.segments import FinishedSegment
from server.storage.space import NoSpace
from server.storage.store_marker import MARKER, StoreConflict
from server.storage.tables import blobs as rows
from shared.digests import address_of
from tests.server.conftest import SmallShot

HOUR = 3600.0


@pytest.fixture
def store(engine: sa.Engine, tmp_path: Path) -> Blobs:
    return Blobs(engine, str(tmp_path / "blobs"))


def age(engine: sa.Engine, address: str, seconds: float) -> None:
    """Let a blob have been asked for so long ago, and its file be as old."""
    with engine.begin() as connection:
        connection.execute(sa.update(rows).where(rows.c.address == address).values(touched=now() - seconds))


def file_of(tmp_path: Path, address: str) -> Path:
    return tmp_path / "blobs" / address[:2] / address


def stored(folder: Path) -> list[Path]:
    """The files below a folder, without the marker of a store."""
    return [path for path in folder.rglob("*") if path.is_file() and path.name != MARKER]


def test_what_was_written_can_be_read_and_is_listed(store: Blobs) -> None:
    address, absent = store.write(b"ink", "alice"), address_of(b"paper")
    assert address == address_of(b"ink") and store.read(address) == b"ink"
    assert store.missing([address, absent, absent]) == [absent]
    store.write(b"ink", "bob")
    store.write(b"paper!", "bob")
    assert store.usage() == (2, 9)
    assert store.usage("alice") == (1, 3), "who brought it first"
    with pytest.raises(MissingBlob, match="upload it again"):
        store.read(absent)


@pytest.mark.parametrize("kind", ["folder", "memory"])
def test_what_was_written_is_read_back_and_an_absent_blob_is_named(tmp_path: Path, kind: str) -> None:
    url = str(tmp_path / "blobs") if kind == "folder" else f"memory://{uuid.uuid4()}"
    store, absent = Blobs(open_database(Config(tmp_path)), url), address_of(b"paper")
    address = store.write(b"ink")
    assert address == address_of(b"ink") == store.write(b"ink")
    assert store.missing([address]) == []
    assert store.read(address) == b"ink"
    assert store.missing([absent]) == [absent]
    with pytest.raises(MissingBlob, match=absent):
        store.read(absent)


def test_a_write_that_fails_leaves_nothing(store: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.write(b"ink")
    assert not stored(tmp_path / "blobs")
    assert store.missing([address_of(b"ink")]) == [address_of(b"ink")]


def test_only_what_no_job_needs_and_nobody_asked_for_is_removed(
    engine: sa.Engine, store: Blobs, tmp_path: Path
) -> None:
    shot, changes = SmallShot(), JobChanges(engine)
    for content in shot.blobs.values():
        store.write(content)
    frame, state, stray, fresh = (store.write(content) for content in (b"frame", b"state", b"stray", b"fresh"))
    with engine.begin() as connection:
        changes.add(connection, "job", shot.manifest, queue="cpu", owner="", fingerprint="")
    changes.move("job", "running", allowed=("queued",), worker="w")
    changes.plan("job", [[0]], 0.0)
    changes.finish_segment("job", FinishedSegment(0, "k", {0: frame}, state, {}, 0.0, 1.0), 1.0)
    needed = {*shot.blobs, frame, state}
    for address in (*needed, stray):
        age(engine, address, 3 * HOUR)
    removed = store.collect(2 * HOUR)
    assert (removed.count, removed.bytes) == (1, 5)
    assert store.missing([*needed, stray, fresh]) == [stray]
    assert not file_of(tmp_path, stray).exists() and all(file_of(tmp_path, one).exists() for one in needed)

    changes.delete("job")
    assert store.collect(2 * HOUR).count == 0, "they were just asked for"
    for address in needed:
        age(engine, address, 3 * HOUR)
    assert store.collect(2 * HOUR).count == len(needed)
    assert stored(tmp_path / "blobs") == [file_of(tmp_path, fresh)]


def test_a_blob_is_streamed_in_parts_and_ends_early_if_it_is_damaged(
    store: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.storage.blobs.PART_BYTES", 4)
    content = b"ink, paper"
    address = store.write(content)
    size, parts = store.stream(address)
    assert (size, list(parts)) == (10, [b"ink,", b" pap", b"er"])
    file_of(tmp_path, address).write_bytes(b"ink, Paper")
    _, parts = store.stream(address)
    assert [next(parts), next(parts)] == [b"ink,", b" Pap"]
    with pytest.raises(MissingBlob):
        next(parts)
    assert store.missing([address]) == [address]
    for damage in (b"ink", b""):
        store.write(content)
        file_of(tmp_path, address).write_bytes(damage)
        with pytest.raises(MissingBlob):
            store.stream(address)
        assert store.missing([address]) == [address]
    store.write(content)
    file_of(tmp_path, address).unlink()
    with pytest.raises(MissingBlob):
        store.stream(address)
    assert store.lost() == 1


def test_asking_for_a_blob_saves_it_from_the_next_collection(engine: sa.Engine, store: Blobs) -> None:
    address = store.write(b"ink")
    age(engine, address, 3 * HOUR)
    assert store.missing([address]) == []
    assert store.collect(2 * HOUR).count == 0


def test_an_upload_rescues_a_blob_that_is_about_to_be_removed(engine: sa.Engine, store: Blobs, tmp_path: Path) -> None:
    address = store.write(b"ink")
    with engine.begin() as connection:  # a collection stopped after its first half; its file may be gone or not
        connection.execute(sa.update(rows).values(pending_delete=True, touched=0.0))
    file_of(tmp_path, address).unlink()
    assert store.missing([address]) == [address]
    store.write(b"ink")
    assert store.missing([address]) == [] and store.collect(0).count == 0 and store.read(address) == b"ink"


def test_a_collection_that_was_stopped_is_ended_by_the_next(engine: sa.Engine, store: Blobs, tmp_path: Path) -> None:
    address = store.write(b"ink")
    with engine.begin() as connection:
        connection.execute(sa.update(rows).values(pending_delete=True))
    file_of(tmp_path, address).unlink()
    assert store.collect(HOUR).count == 1
    assert store.usage() == (0, 0)


def test_uploads_and_collections_at_once_leave_no_row_without_its_file(engine: sa.Engine, store: Blobs) -> None:
    contents = [f"drawing {number}".encode() for number in range(8)]
    failures: list[BaseException] = []
    end = time.monotonic() + 3

    def work(action) -> None:
        try:
            while time.monotonic() < end:
                action()
        except BaseException as error:
            failures.append(error)

    def upload() -> None:
        for content in contents:
            store.write(content)

    def doom() -> None:
        with engine.begin() as connection:
            connection.execute(sa.update(rows).values(touched=0.0))
        store.collect(0)

    threads = [threading.Thread(target=work, args=(action,)) for action in (upload, upload, doom, doom)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    for content in contents:
        if not store.missing([address_of(content)]):
            assert store.read(address_of(content)) == content


def test_files_that_no_row_knows_are_found_and_removed(engine: sa.Engine, store: Blobs, tmp_path: Path) -> None:
    known = store.write(b"ink")
    stray, part = (
        file_of(tmp_path, address_of(b"left by a crash")),
        file_of(tmp_path, known).with_name(f".{known}.01234567.part"),
    )
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"left by a crash")
    part.write_bytes(b"le")
    assert store.register_orphans(HOUR) == 0, "it may be on its way"
    for path in (stray, part, file_of(tmp_path, known)):
        os.utime(path, (time.time() - 2 * HOUR,) * 2)
    assert store.register_orphans(HOUR) == 2
    assert store.collect(HOUR).count == 0, "a server that was just started knows nothing of it"
    age(engine, stray.name, 2 * HOUR)
    assert store.collect(HOUR).count == 1
    assert not stray.exists() and not part.exists() and store.read(known) == b"ink"


def test_a_full_disk_is_told_and_leaves_nothing_half_written(
    tmp_path: Path, engine: sa.Engine, small_disk: Path
) -> None:
    store = Blobs(engine, str(small_disk))
    with pytest.raises(NoSpace):
        for number in range(40):
            store.write(os.urandom(100_000) + bytes([number]))
    files = stored(small_disk)
    assert store.usage()[0] == len(files)
    assert all(address_of(path.read_bytes()) == path.name for path in files)


def test_a_blob_that_was_stored_again_while_it_was_checked_is_not_lost(
    tmp_path: Path, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_blobs(engine, str(tmp_path / "blobs"))
    address = store.write(b"ink")
    read, path = store._files.cat_file, tmp_path / "blobs" / address[:2] / address
    path.write_bytes(b"inc")

    def slow(found: str) -> bytes:
        content: bytes = read(found)
        if content == b"inc":
            store.add(address, b"ink")
        return content

    monkeypatch.setattr(store._files, "cat_file", slow)
    assert not store.verify(address), "what was read then"
    assert store.read(address) == b"ink" and store.missing([address]) == [] and store.lost() == 0


@pytest.fixture(scope="module")
def s3() -> Iterator[tuple[str, Any]]:
    """A store in a bucket of an S3-compatible server, and another client of it. fsspec knows the server's address."""
    moto = pytest.importorskip("moto.server", reason="no S3 server: .venv/bin/pip install 'moto[server]' s3fs")
    pytest.importorskip("s3fs", reason="no S3 client: .venv/bin/pip install s3fs")
    import boto3
    import fsspec.config

    server = moto.ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    settings = {"key": "test", "secret": "test", "endpoint_url": f"http://{host}:{port}"}
    client = boto3.client(
        "s3",
        endpoint_url=settings["endpoint_url"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="studio")
    before = fsspec.config.conf.get("s3")
    fsspec.config.conf["s3"] = settings
    yield "s3://studio/blobs", client
    fsspec.config.conf.pop("s3") if before is None else fsspec.config.conf.update(s3=before)
    server.stop()


def test_on_s3_it_is_the_same(s3: tuple[str, Any], tmp_path: Path) -> None:
    engine, (url, _) = open_database(Config(tmp_path)), s3
    store = Blobs(engine, url)
    kept, gone = store.write(b"ink"), store.write(b"paper")
    assert store.free_bytes is None and store.read(kept) == b"ink"
    age(engine, gone, 3 * HOUR)
    assert store.collect(2 * HOUR).count == 1
    assert store.missing([kept, gone]) == [gone]
    with pytest.raises(MissingBlob):
        store.read(gone)
    with pytest.raises(StoreConflict):
        Blobs(open_database(Config(tmp_path / "other")), url).register_orphans(-HOUR)
    with engine.begin() as connection:
        connection.execute(sa.delete(rows))
    assert store.register_orphans(-HOUR) == 1 and store.read(kept) == b"ink"


def test_what_another_process_stores_on_s3_is_there_also_after_a_listing(s3: tuple[str, Any], tmp_path: Path) -> None:
    url, other = s3[0].replace("blobs", "shared"), s3[1]
    store = open_blobs(open_database(Config(tmp_path)), url)
    address = address_of(b"ink")
    other.put_object(Bucket="studio", Key=f"shared/{address[:2]}/{'0' * 64}", Body=b"")
    store.register_orphans(HOUR)
    other.put_object(Bucket="studio", Key=f"shared/{address[:2]}/{address}", Body=b"ink")
    assert store.verify(address) and store.read(address) == b"ink"
