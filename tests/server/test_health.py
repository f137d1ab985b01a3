# SPDX-License-Identifier: GPL-3.0-or-later
"""A healthy server reports it, and one that cannot work reports why."""

import subprocess
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask

from server.config import Config, Retention
from server.http.api import health
from server.http.app import create_app
from server.storage.database import open_database
from server.storage.tokens import Tokens

from .conftest import Site


def ready(app: Flask) -> tuple[int, Any]:
    """What `/readyz` answers."""
    answer = app.test_client().get("/readyz")
    assert answer.mimetype == ("application/json" if answer.status_code == 200 else "application/problem+json")
    return answer.status_code, answer.json


def test_a_running_server_lives_and_is_ready(site: Site) -> None:
    assert site.session.get(f"{site.root}/healthz", timeout=30).json() == {"status": "ok"}
    assert site.session.get(f"{site.root}/readyz", timeout=30).json() == {"status": "ready"}


def test_life_needs_no_token_and_readiness_does(tmp_path: Path) -> None:
    token = Tokens(open_database(Config(tmp_path))).create("probe")
    client = create_app(Config(tmp_path, host="0.0.0.0")).test_client()
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").status_code == 401
    assert client.get("/readyz", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_a_full_disk_makes_it_unready_and_leaves_it_alive(tmp_path: Path) -> None:
    app = create_app(Config(tmp_path, retention=Retention(free_bytes=10**18)))
    status, problem = ready(app)
    assert (status, problem["code"]) == (503, "no_space")
    assert app.test_client().get("/healthz").status_code == 200


def test_a_blob_store_that_cannot_be_written_makes_it_unready(tmp_path: Path, small_disk: Path) -> None:
    app = create_app(Config(tmp_path, blobs=str(small_disk), retention=Retention(free_bytes=0)))
    assert ready(app)[0] == 200
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert (ready(app)[0], ready(app)[1]["code"]) == (503, "blobs_away")


def test_a_blob_store_that_is_a_file_makes_it_unready(tmp_path: Path) -> None:
    (tmp_path / "blobs").touch()
    assert ready(create_app(Config(tmp_path)))[1]["code"] == "blobs_away"


def test_a_database_that_went_away_makes_it_unready_until_it_is_back(tmp_path: Path, postgresql: Any) -> None:
    database = postgresql.new_database()
    app = create_app(Config(tmp_path, database=database))
    assert ready(app)[0] == 200
    server, _, name = database.rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        assert (ready(app)[0], ready(app)[1]["code"]) == (503, "database_away")
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    assert ready(app)[0] == 200


def test_a_dead_thread_makes_it_unready(tmp_path: Path) -> None:
    app = create_app(Config(tmp_path))
    health.watch(app, "housekeeping", lambda: True)
    assert ready(app)[0] == 200
    health.watch(app, "housekeeping", lambda: False)
    status, problem = ready(app)
    assert (status, problem["code"]) == (503, "housekeeping_dead")
    assert "restart the server" in problem["title"]


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "blobs").touch()
    _, problem = ready(create_app(Config(tmp_path, retention=Retention(free_bytes=10**18))))
    assert "blob store" in problem["title"] and "disk" in problem["title"]
