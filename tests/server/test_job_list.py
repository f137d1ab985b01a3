# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of jobs come in pages and read no manifests, however long the history is."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from server.config import Config
from server.http.app import create_app
from server.storage import job as stored_job
from server.storage.catalogue import Catalogue
from server.storage.job_changes import JobChanges
from server.storage.tables import jobs
from server.storage.tokens import Tokens
from shared.codec import from_json
from shared.protocol import API_PREFIX
from shared.status import JobSummary

from .conftest import SmallShot

JOBS = f"{API_PREFIX}/jobs"


@pytest.fixture
def history(engine: sa.Engine, tmp_path: Path) -> tuple[FlaskClient, list[str]]:
    """A server on which Alice and Bob have jobs, and their ids, the newest first. Two are of the same moment."""
    ids = []
    for number in range(12):
        ids.append(str(uuid.UUID(int=number)))
        with engine.begin() as connection:
            owner = "bob" if number % 4 == 3 else "alice"
            JobChanges(engine).add(connection, ids[-1], SmallShot().manifest, queue="cpu", owner=owner)
            moment = {"created": 1000.0 + number // 2, "state": "done" if number % 2 else "failed"}
            connection.execute(sa.update(jobs).where(jobs.c.id == ids[-1]).values(**moment))
    url = engine.url
    is_file = url.get_backend_name() == "sqlite"
    address = "" if is_file else url.set(drivername="postgresql").render_as_string(hide_password=False)
    return create_app(Config(tmp_path, database=address)).test_client(), ids[::-1]


def pages(client: FlaskClient, path: str, **options: Any) -> Iterator[list[str]]:
    """Follow the links from page to page, and yield the ids of each."""
    following: str | None = path
    while following:
        answer = client.get(following, **options)
        assert answer.status_code == 200
        yield [from_json(JobSummary, one).id for one in answer.json or []]
        link = answer.headers.get("Link")
        following = None if link is None else link.removesuffix('>; rel="next"').removeprefix("<")


@pytest.mark.parametrize("limit", [1, 5, 11, 12, 13])
def test_pages_list_every_job_once_the_newest_first(history: tuple[FlaskClient, list[str]], limit: int) -> None:
    client, ids = history
    found = list(pages(client, f"{JOBS}?limit={limit}"))
    assert [one for page in found for one in page] == ids
    assert {len(page) for page in found[:-1]} <= {limit} and found[-1]


def test_pages_keep_to_a_state_and_outlive_deleted_jobs(history: tuple[FlaskClient, list[str]]) -> None:
    client, ids = history
    found = list(pages(client, f"{JOBS}?state=done&limit=2"))
    assert [one for page in found for one in page] == ids[::2]
    answer = client.get(f"{JOBS}?limit=4")
    client.delete(f"{JOBS}/{ids[1]}")
    assert [one["id"] for one in client.get(f"{JOBS}?limit=4&before={answer.json[-1]['id']}").json] == ids[4:8]


def test_a_page_that_cannot_be_is_refused(history: tuple[FlaskClient, list[str]]) -> None:
    client, _ = history
    assert client.get(f"{JOBS}?before=soon").json["code"] == "bad_job"
    assert client.get(f"{JOBS}?before={uuid.uuid4()}").status_code == 404


def test_a_summary_has_what_the_status_has_but_for_the_frames(history: tuple[FlaskClient, list[str]]) -> None:
    client, ids = history
    summary, status = client.get(f"{JOBS}?limit=1").json[0], client.get(f"{JOBS}/{ids[0]}").json
    assert status.pop("frames_done") and summary.pop("drawing_count") == 8
    assert summary == status


def test_animators_see_their_own_pages(engine: sa.Engine, history: tuple[FlaskClient, list[str]]) -> None:
    local, ids = history
    config = local.application.extensions["longanimation"].config
    headers = {"Authorization": f"Bearer {Tokens(engine).create('bob')}"}
    client = create_app(Config(config.data, database=config.database, host="0.0.0.0")).test_client()
    assert list(pages(client, f"{JOBS}?limit=2", headers=headers)) == [[ids[0], ids[4]], [ids[8]]]
    assert client.get(f"{JOBS}?before={ids[1]}", headers=headers).status_code == 404


def test_lists_read_no_manifest(history: tuple[FlaskClient, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_text: str) -> None:
        raise AssertionError("a manifest was read")

    monkeypatch.setattr(stored_job, "_manifest", refuse)
    client, ids = history
    assert len(client.get(JOBS).json) == len(ids)
    assert client.get("/").text.count("Lantern") >= len(ids)


def test_lists_find_their_rows_in_an_index(tmp_path: Path, engine: sa.Engine) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL plans by the size of a table")
    plans: list[str] = []

    @sa.event.listens_for(engine, "before_cursor_execute")
    def _explain(connection: sa.Connection, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if statement.startswith("SELECT") and not plans:
            plans.append("")
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            plans[0] = " / ".join(row.detail for row in plan)

    for owner, states in ((None, ()), ("alice", ()), (None, ("done",)), ("alice", ("done", "failed"))):
        plans.clear()
        Catalogue(engine).listed(owner, states, 10)
        assert "COVERING INDEX jobs_by_" in plans[0], plans[0]
