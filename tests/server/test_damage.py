# SPDX-License-Identifier: GPL-3.0-or-later
"""A database that is locked, torn, newer or partly unreadable: the server says so, and answers what it still can."""

import os
import sqlite3
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa
from flask.testing import FlaskClient

from server.cli import main
from server.config import Config, Retention
from server.http import api
from server.http.app import create_app
from server.jobs.housekeeping import Housekeeping
from server.storage import database
from server.storage.tokens import Tokens
from shared.codec import to_json
from shared.digests import address_of

from .conftest import Site, SmallShot

HTML = {"Accept": "text/html"}


def submit(client: FlaskClient, shot: SmallShot, name: str) -> str:
    """Queue a shot; return the job's id."""
    for address, content in shot.blobs.items():
        client.put(f"/api/v1/blobs/{address}", data=content)
    job = str(uuid.uuid4())
    assert client.put(f"/api/v1/jobs/{job}", json=to_json(replace(shot.manifest, name=name))).status_code == 201
    return job


def tear(folder: Path, table: str) -> None:
    """Overwrite the first page of a table, as a torn write does."""
    with sqlite3.connect(folder / "server.sqlite", isolation_level=None) as file:
        page = file.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
        size = file.execute("PRAGMA page_size").fetchone()[0]
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file.close()
    with (folder / "server.sqlite").open("r+b") as raw:
        raw.seek((page - 1) * size)
        raw.write(b"\xa5" * size)


def test_while_the_database_is_locked_a_client_is_told_when_to_ask_again(
    tmp_path: Path, shot: SmallShot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "REQUEST_BUSY_SECONDS", 0.1)
    client = create_app(Config(tmp_path)).test_client()
    address, content = next(iter(shot.blobs.items()))
    with sqlite3.connect(tmp_path / "server.sqlite", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = client.put(f"/api/v1/blobs/{address}", data=content)
        assert (answer.status_code, answer.json["code"]) == (503, "database_away")
        assert int(answer.headers["Retry-After"]) > 0
        other.execute("ROLLBACK")
    other.close()
    assert client.put(f"/api/v1/blobs/{address}", data=content).status_code == 201


def test_while_the_database_is_locked_requests_wait_for_seconds_also_if_they_are_many(
    site: Site, shot: SmallShot
) -> None:
    def send(content: bytes) -> tuple[int, str]:
        answer = requests.put(f"{site.url}/blobs/{address_of(content)}", data=content, timeout=20)
        return answer.status_code, answer.json()["code"]

    with sqlite3.connect(site.data / "server.sqlite", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(send, list(shot.blobs.values())[:6]))
        other.execute("ROLLBACK")
    other.close()
    assert set(answers) == {(503, "database_away")}
    site.upload(shot)


def test_a_torn_page_is_no_fault_of_the_program_and_makes_the_server_unready(tmp_path: Path, shot: SmallShot) -> None:
    submit(create_app(Config(tmp_path)).test_client(), shot, "walk")
    tear(tmp_path, "jobs")
    client = create_app(Config(tmp_path)).test_client()
    answer = client.get("/api/v1/jobs")
    assert answer.status_code == 503 and "Retry-After" in answer.headers
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["code"]) == (503, "database_damaged")


def test_a_torn_page_that_no_request_reads_is_found_by_housekeeping(tmp_path: Path, shot: SmallShot) -> None:
    submit(create_app(Config(tmp_path)).test_client(), shot, "walk")
    tear(tmp_path, "pictures")
    app = create_app(Config(tmp_path))
    services = api.services_of(app)
    assert app.test_client().get("/readyz").status_code == 200
    stored = (services.catalogue, services.blobs, services.integrity)
    Housekeeping(services.jobs, services.films, *stored, Retention()).check_database()
    assert app.test_client().get("/readyz").json["code"] == "database_damaged"


def test_a_file_that_is_no_database_is_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "server.sqlite").write_bytes(b"\xa5" * 8192)
    with pytest.raises(SystemExit):
        main(["token", "--list", "--data", str(tmp_path)])
    assert "is damaged; restore a backup" in capsys.readouterr().err


def test_a_database_that_a_newer_server_updated_makes_this_one_unready(tmp_path: Path) -> None:
    app = create_app(Config(tmp_path))
    assert app.test_client().get("/readyz").status_code == 200
    with sqlite3.connect(tmp_path / "server.sqlite") as file:
        file.execute("UPDATE alembic_version SET version_num = '9999'")
    file.close()
    assert app.test_client().get("/readyz").json["code"] == "database_newer"


@pytest.mark.parametrize("column", ["manifest", "problem"])
@pytest.mark.parametrize("value", ["{}", "[", '{"drawings": 7}', "null"])
def test_a_job_that_this_version_cannot_read_hides_no_other_job(
    tmp_path: Path, shot: SmallShot, column: str, value: str
) -> None:
    app = create_app(Config(tmp_path))
    client = app.test_client()
    bad, good = submit(client, shot, "bad"), submit(client, shot, "good")
    with sqlite3.connect(tmp_path / "server.sqlite") as file:
        file.execute(f"UPDATE jobs SET {column} = ? WHERE id = ?", (value, bad))
    file.close()
    answer = client.get("/api/v1/jobs")
    listed = [good, bad] if column == "manifest" else [good]  # a list does not read manifests
    assert answer.status_code == 200 and [job["id"] for job in answer.json] == listed
    assert client.get("/", headers=HTML).status_code == 200
    answer = client.get(f"/api/v1/jobs/{bad}")
    assert (answer.status_code, answer.json["code"]) == (500, "unreadable_job")
    services = api.services_of(app)
    assert [job.id for job in services.catalogue.stalled(-1.0)] == [good]
    assert client.delete(f"/api/v1/jobs/{bad}").status_code == 204
    assert client.get(f"/api/v1/jobs/{bad}").status_code == 404
    assert client.delete(f"/api/v1/jobs/{bad}").status_code == 404


def test_a_job_that_cannot_be_read_ends_no_list_is_no_stranger_s_business_and_expires(
    tmp_path: Path, shot: SmallShot
) -> None:
    app = create_app(Config(tmp_path))
    client = app.test_client()
    old, bad = submit(client, shot, "old"), submit(client, shot, "bad")
    with sqlite3.connect(tmp_path / "server.sqlite") as file:
        file.execute("UPDATE jobs SET manifest = '{}', state = 'done', finished = 1 WHERE id = ?", (bad,))
    file.close()
    first = client.get("/api/v1/jobs?limit=1")
    assert [job["id"] for job in first.json] == [bad]
    following = first.headers["Link"].partition(">")[0].lstrip("<")
    assert [job["id"] for job in client.get(following).json] == [old]
    token = Tokens(database.open_database(Config(tmp_path))).create("stranger")
    stranger = create_app(Config(tmp_path, host="0.0.0.0")).test_client()
    for send in (stranger.get, stranger.delete):
        assert send(f"/api/v1/jobs/{bad}", headers={"Authorization": f"Bearer {token}"}).status_code == 404
    services = api.services_of(app)
    retention = Retention(job_days=1)
    stored = (services.catalogue, services.blobs, services.integrity)
    Housekeeping(services.jobs, services.films, *stored, retention).clean()
    assert [job["id"] for job in client.get("/api/v1/jobs").json] == [old]


@pytest.mark.skipif(os.name != "posix", reason="other systems have no file modes")
def test_the_database_is_private_in_a_folder_that_is_not(tmp_path: Path, serve: Callable[..., Site]) -> None:
    tmp_path.chmod(0o755)
    before = os.umask(0o022)
    try:
        serve("--workers", "0")
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("server.sqlite*")}
    assert modes == dict.fromkeys(("server.sqlite", "server.sqlite-wal", "server.sqlite-shm"), 0o600)
    assert not list(tmp_path.glob("*.part")) + list(tmp_path.glob(".*.part"))


@pytest.mark.skipif(os.name != "posix", reason="other systems have no file modes")
def test_a_database_that_others_could_read_becomes_private(tmp_path: Path) -> None:
    database.open_database(Config(tmp_path)).dispose()
    (tmp_path / "server.sqlite").chmod(0o644)
    engine = database.open_database(Config(tmp_path))
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT 1")) == 1
    assert (tmp_path / "server.sqlite").stat().st_mode & 0o777 == 0o600
    engine.dispose()
