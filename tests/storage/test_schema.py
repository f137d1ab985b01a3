# SPDX-License-Identifier: GPL-3.0-or-later
"""The database has a version: a server brings an older one up to date and loses nothing, and refuses a newer one."""

import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from server.cli import main
from server.config import Config, ConfigError
from server.jobs.client import Jobs
from server.storage.catalogue import Catalogue
from server.storage.database import open_database
from server.storage.events import Events
from server.storage.frames import Frames
from server.storage.image_facts import ImageFacts, ImageFactsTable
from server.storage.schema import CURRENT, version_of
from server.storage.segments import Segments
from server.storage.tables import metadata
from server.storage.tokens import Tokens

DUMP = Path(__file__).with_name("database_0_1_0.sql")
"""What a server of version 0.1.0 left: one job that is done and one that waits, and a token of Alice."""
DONE, WAITING = (f"00000000-0000-4000-8000-00000000000{number}" for number in (1, 2))


def test_a_new_database_has_the_tables_that_the_code_expects(engine: sa.Engine) -> None:
    def is_ours(name: str | None, kind: str, _parents: Any) -> bool:
        return kind != "table" or name in metadata.tables  # DBOS keeps its own in the same file

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_ours, "compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert version_of(connection) == CURRENT


def test_reading_the_version_again_adds_nothing_to_the_cache_of_statements(engine: sa.Engine) -> None:
    cache: dict[Any, Any] = {}
    with engine.connect() as connection:
        connection.execution_options(compiled_cache=cache)
        version_of(connection)
        known = len(cache)
        assert known, "what is read is cached"
        version_of(connection)
    assert len(cache) == known


def test_a_database_of_version_0_1_0_keeps_its_jobs(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "server.sqlite") as old:
        old.executescript(DUMP.read_text(encoding="utf-8"))
    old.close()
    engine = open_database(Config(tmp_path))
    with engine.connect() as connection:
        assert version_of(connection) == CURRENT
    catalogue = Catalogue(engine)
    assert {job.id: job.state for job in catalogue.listed()} == {DONE: "done", WAITING: "queued"}
    for listed in catalogue.listed():
        shown = (listed.name, listed.preset, listed.frame_start, listed.frame_end, listed.drawing_count)
        assert shown == ("Lantern <b>walk</b>", "tiny", 101, 116, 8)
    job = catalogue.job(DONE)
    assert (job.owner, job.manifest.name, len(job.manifest.drawings)) == ("alice", "Lantern <b>walk</b>", 8)
    assert catalogue.status(job).frames_done == tuple(range(101, 117))
    assert Frames(engine).blobs(DONE).keys() == set(range(8))
    assert [segment.reused for segment in Segments(engine).of(DONE)] == [False] * 4
    assert [event.state for event in Events(engine).of(WAITING)] == ["queued"]
    assert [token.name for token in Tokens(engine).all()] == ["alice"]
    api = Jobs(engine)
    api.cancel(catalogue.job(WAITING))  # DBOS has its workflow too
    api.close()
    assert catalogue.state(WAITING) == "cancelled"
    engine.dispose()


def test_a_database_without_a_version_gets_what_it_lacks(engine: sa.Engine) -> None:
    facts = ImageFacts(24, 16, True, False)
    ImageFactsTable(engine).record("0" * 64, facts)
    with engine.begin() as connection:
        connection.execute(sa.DDL("DROP TABLE alembic_version"))
        connection.execute(sa.DDL("DROP TABLE sessions"))
        connection.execute(sa.DDL("DROP INDEX jobs_by_state"))
        connection.execute(sa.DDL("ALTER TABLE tokens DROP COLUMN role"))
    url = engine.url
    database = "" if url.get_backend_name() == "sqlite" else url.set(drivername="postgresql")
    folder = Path(url.database or "").parent if not database else Path("unused")
    again = open_database(Config(folder, database=database.render_as_string(hide_password=False) if database else ""))
    found = sa.inspect(again)
    assert "sessions" in found.get_table_names()
    assert "jobs_by_state" in {index["name"] for index in found.get_indexes("jobs")}
    assert "role" in {column["name"] for column in found.get_columns("tokens")}
    assert ImageFactsTable(again).find(["0" * 64]) == {"0" * 64: facts}
    again.dispose()


def test_several_processes_may_make_one_database_at_once(tmp_path: Path) -> None:
    start, failures = threading.Barrier(4), []

    def make() -> None:
        start.wait()
        try:
            open_database(Config(tmp_path)).dispose()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_new_file_that_another_process_is_writing_is_waited_for(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "server.sqlite", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    done = threading.Timer(0.5, other.execute, ("COMMIT",))
    done.start()
    open_database(Config(tmp_path)).dispose()
    done.join()
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()


def test_a_database_of_a_newer_server_is_refused_and_not_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = open_database(Config(tmp_path))
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(ConfigError, match="made by a newer server: its schema is version 9999"):
        open_database(Config(tmp_path))
    with pytest.raises(SystemExit):
        main(["token", "--list", "--data", str(tmp_path)])
    assert "Update this server" in capsys.readouterr().err
