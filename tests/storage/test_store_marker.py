# SPDX-License-Identifier: GPL-3.0-or-later
"""A blob store belongs to one database, and nothing that is not the server's own is ever removed from it."""

import os
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from server.cli import main
from server.config import Config
from server.http.app import create_app
from server.jobs.client import Jobs
from server.jobs.films import Films
from server.jobs.housekeeping import Housekeeping
from server.storage.blobs import Blobs, open_blobs
from server.storage.catalogue import Catalogue
from server.storage.database import now, open_database
from server.storage.integrity import Integrity
from server.storage.store_marker import MARKER, StoreConflict
from server.storage.tables import blobs as rows
from server.storage.tables import stores
from shared.digests import address_of

DAY = 24 * 3600.0


def make_old(folder: Path) -> None:
    """Let every file below a folder be a week old."""
    for path in folder.rglob("*"):
        os.utime(path, (time.time() - 7 * DAY,) * 2)


def round_of_housekeeping(config: Config, store: Blobs, engine: sa.Engine) -> None:
    """Do what a server does when it starts, and a day later."""
    jobs = Jobs(engine)
    store.register_orphans(DAY)
    Housekeeping(jobs, Films(engine, store), Catalogue(engine), store, Integrity(engine), config.retention).clean()
    jobs.close()


def test_foreign_files_are_never_removed(engine: sa.Engine, tmp_path: Path) -> None:
    folder = tmp_path / "blobs"
    store = open_blobs(engine, str(folder))
    known = store.write(b"ink")
    foreign = ["notes.txt", "shots/master.psd", f"{known[:2]}/sc010.blend", f"{known[:2]}/.draft.part", f"zz/{known}"]
    for name in foreign:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("work")
    part = folder / known[:2] / f".{known}.0123abcd.part"
    part.write_text("half")
    make_old(folder)
    round_of_housekeeping(Config(tmp_path), store, engine)
    assert all((folder / name).exists() for name in foreign)
    assert not part.exists() and store.read(known) == b"ink"


@pytest.mark.parametrize("name", ["notes.txt", "shots/master.psd", "ab/sc010.blend"])
def test_a_folder_of_somebody_else_is_refused_and_not_touched(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "server-home"
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_text("work")
    make_old(folder)
    with pytest.raises(StoreConflict, match="not empty"):
        create_app(Config(tmp_path / "data", blobs=str(folder)))
    assert [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()] == [name]


def test_an_empty_database_beside_a_full_store_is_refused(tmp_path: Path) -> None:
    address = open_blobs(open_database(Config(tmp_path)), str(tmp_path / "blobs")).write(b"ink")
    make_old(tmp_path / "blobs")
    with pytest.raises(StoreConflict, match="knows none of them"):
        create_app(Config(tmp_path / "other", blobs=str(tmp_path / "blobs")))
    (tmp_path / "blobs" / MARKER).unlink()  # as an earlier version left it
    with pytest.raises(StoreConflict, match="was --database or LONGANIMATION_DATABASE forgotten"):
        create_app(Config(tmp_path / "other", blobs=str(tmp_path / "blobs")))
    assert (tmp_path / "blobs" / address[:2] / address).exists()


def test_a_store_of_another_database_is_refused_and_not_collected(tmp_path: Path) -> None:
    store = open_blobs(open_database(Config(tmp_path)), str(tmp_path / "blobs"))
    address = store.write(b"ink")
    engine = open_database(Config(tmp_path / "other"))
    open_blobs(engine, str(tmp_path / "other" / "blobs"))
    with pytest.raises(StoreConflict, match="belongs to another database"):
        open_blobs(engine, str(tmp_path / "blobs"))
    thief = Blobs(engine, str(tmp_path / "blobs"))
    for action in (lambda: thief.register_orphans(-DAY), lambda: thief.collect(0), lambda: thief.read("0" * 64)):
        with pytest.raises(StoreConflict):
            action()
    assert store.read(address) == b"ink"


def test_a_folder_that_is_not_mounted_loses_nothing_and_takes_nothing(engine: sa.Engine, tmp_path: Path) -> None:
    store = open_blobs(engine, str(tmp_path / "blobs"))
    address = store.write(b"ink")
    (tmp_path / "blobs").rename(tmp_path / "unmounted")
    (tmp_path / "blobs").mkdir()
    for action in (lambda: store.read(address), lambda: store.verify(address), lambda: store.collect(0)):
        with pytest.raises(StoreConflict, match="mounted"):
            action()
    with pytest.raises(StoreConflict, match="mounted"):
        open_blobs(engine, str(tmp_path / "blobs")).write(b"paper")
    assert not list((tmp_path / "blobs").iterdir())
    (tmp_path / "blobs").rmdir()
    (tmp_path / "unmounted").rename(tmp_path / "blobs")
    assert store.lost() == 0 and store.read(address) == b"ink"


def test_a_store_of_an_earlier_version_is_taken_over_with_its_blobs(engine: sa.Engine, tmp_path: Path) -> None:
    address = open_blobs(engine, str(tmp_path / "blobs")).write(b"ink")
    (tmp_path / "blobs" / MARKER).unlink()
    (tmp_path / "blobs" / "notes.txt").write_text("work")
    with engine.begin() as connection:
        connection.execute(sa.delete(stores))
    assert open_blobs(engine, str(tmp_path / "blobs")).read(address) == b"ink"
    assert (tmp_path / "blobs" / MARKER).exists() and (tmp_path / "blobs" / "notes.txt").exists()


def test_a_store_that_is_adopted_keeps_its_blobs_a_day_and_is_refused_to_the_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = open_database(Config(tmp_path))
    address = open_blobs(first, str(tmp_path / "blobs")).write(b"ink")
    make_old(tmp_path / "blobs")
    config = Config(tmp_path / "other", blobs=str(tmp_path / "blobs"))
    assert main(["adopt", "--data", str(config.data), "--blobs", config.blobs]) == 0
    assert "is this database's store now" in capsys.readouterr().err
    second = open_database(config)
    store = open_blobs(second, config.blobs)
    round_of_housekeeping(config, store, second)
    assert store.read(address) == b"ink" and store.missing([address]) == [], "adoption counts as a request"
    with pytest.raises(StoreConflict, match="belongs to another database"):
        open_blobs(first, str(tmp_path / "blobs"))
    with second.begin() as connection:
        connection.execute(sa.update(rows).values(touched=now() - 2 * DAY))
    round_of_housekeeping(config, store, second)
    assert store.missing([address_of(b"ink")]) == [address]


def test_a_store_whose_last_blob_was_collected_may_get_a_new_database(tmp_path: Path) -> None:
    engine = open_database(Config(tmp_path))
    store = open_blobs(engine, str(tmp_path / "blobs"))
    store.write(b"ink")
    with engine.begin() as connection:
        connection.execute(sa.update(rows).values(touched=0.0))
    assert store.collect(DAY).count == 1 and [path for path in (tmp_path / "blobs").iterdir() if path.is_dir()]
    other = open_blobs(open_database(Config(tmp_path / "other")), str(tmp_path / "blobs"))
    assert other.read(other.write(b"paper")) == b"paper"


def test_a_crash_between_marker_and_database_does_no_harm(engine: sa.Engine, tmp_path: Path) -> None:
    open_blobs(engine, str(tmp_path / "blobs"))
    with engine.begin() as connection:
        connection.execute(sa.delete(stores))
    assert open_blobs(engine, str(tmp_path / "blobs")).read(Blobs(engine, str(tmp_path / "blobs")).write(b"ink"))
