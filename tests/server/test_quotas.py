# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits of one token: jobs, bytes and requests."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from limits import RateLimitItemPerMinute

from server.config import Config, Quota
from server.http import security
from server.http.app import create_app
from server.storage.blobs import Blobs
from server.storage.database import open_database
from server.storage.tables import blobs as blob_rows
from server.storage.tokens import Tokens
from shared.codec import to_json
from shared.digests import address_of
from shared.protocol import API_PREFIX

from .conftest import SmallShot


class Studio:
    """A server that asks for tokens, and two animators with one each."""

    def __init__(self, data: Path, quota: Quota = Quota(), database: str = "") -> None:  # noqa: B008 - it is frozen
        self.config = Config(data, host="0.0.0.0", quota=quota, database=database)
        self.engine = open_database(self.config)
        tokens = Tokens(self.engine)
        self._tokens = {name: tokens.create(name) for name in ("alice", "bob")}
        self._app = create_app(self.config)

    def ask(self, name: str, method: str, path: str, **arguments: Any) -> tuple[int, str]:
        """Send a request in the name of somebody; return the status, and the code of a problem."""
        headers = {"Authorization": f"Bearer {self._tokens[name]}"} | arguments.pop("headers", {})
        client = self._app.test_client()  # of its own, because a client answers one request at a time
        response = client.open(API_PREFIX + path, method=method, headers=headers, **arguments)
        body = response.get_json(silent=True)
        return response.status_code, body.get("code", "") if isinstance(body, dict) else ""

    def upload(self, name: str, content: bytes) -> tuple[int, str]:
        return self.ask(name, "PUT", f"/blobs/{address_of(content)}", data=content)

    def submit(self, name: str, shot: SmallShot, seed: int, job: str = "") -> tuple[int, str]:
        manifest = replace(shot.manifest, seed=seed)
        return self.ask(name, "PUT", f"/jobs/{job or uuid.uuid4()}", json=to_json(manifest))

    def collect(self) -> None:
        """Let a day pass in which nobody asked for anything."""
        with self.engine.begin() as connection:
            connection.execute(sa.update(blob_rows).values(touched=0.0))
        Blobs(self.engine, self.config.blobs_url).collect(24 * 3600.0)


def test_a_token_has_so_many_jobs_at_once_and_room_again_when_one_ends(tmp_path: Path, shot: SmallShot) -> None:
    studio = Studio(tmp_path, Quota(jobs=2))
    for content in shot.blobs.values():
        studio.upload("alice", content)
    first = str(uuid.uuid4())
    assert studio.submit("alice", shot, 1, first) == (201, "")
    assert studio.submit("alice", shot, 2) == (201, "")
    assert studio.submit("alice", shot, 3) == (403, "quota_jobs")
    assert studio.submit("alice", shot, 1, first) == (200, ""), "the same again is no more"
    assert studio.submit("bob", shot, 3) == (201, ""), "another token has its own"
    assert studio.ask("alice", "POST", f"/jobs/{first}/cancel") == (200, "")
    assert studio.submit("alice", shot, 3) == (201, "")


def test_a_token_brings_so_many_bytes_and_has_room_again_when_its_jobs_are_deleted_and_collected(
    tmp_path: Path, shot: SmallShot
) -> None:
    size = sum(len(content) for content in shot.blobs.values())
    studio = Studio(tmp_path, Quota(bytes=size + 100))
    for content in shot.blobs.values():
        assert studio.upload("alice", content) == (201, "")
    job = str(uuid.uuid4())
    assert studio.submit("alice", shot, 1, job) == (201, "")
    more = bytes(101)
    assert studio.upload("alice", more) == (403, "quota_bytes")
    assert studio.upload("alice", next(iter(shot.blobs.values()))) == (200, ""), "what is there takes nothing"
    assert studio.upload("alice", bytes(100)) == (201, ""), "up to the last byte"
    assert studio.upload("bob", more) == (201, ""), "another token has its own"

    studio.collect()
    assert studio.upload("alice", bytes(range(101))) == (403, "quota_bytes"), "what a job needs is still hers"
    assert studio.ask("alice", "DELETE", f"/jobs/{job}") == (204, "")
    assert studio.upload("alice", bytes(range(101))) == (403, "quota_bytes"), "nothing was collected yet"
    studio.collect()
    assert studio.upload("alice", bytes(range(101))) == (201, "")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """The address of a database of each kind."""
    return "" if request.param == "sqlite" else str(request.getfixturevalue("postgresql").new_database())


def test_jobs_that_arrive_at_once_do_not_exceed_the_quota(tmp_path: Path, shot: SmallShot, database: str) -> None:
    studio = Studio(tmp_path, Quota(jobs=2), database)
    for content in shot.blobs.values():
        assert studio.upload("alice", content)[0] == 201
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda seed: studio.submit("alice", shot, seed), range(16)))
    assert sorted(answers) == [(201, "")] * 2 + [(403, "quota_jobs")] * 14


def test_uploads_that_arrive_at_once_do_not_exceed_the_quota(tmp_path: Path, database: str) -> None:
    studio = Studio(tmp_path, Quota(bytes=2500), database)
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda one: studio.upload("alice", bytes([one]) * 1000), range(16)))
    assert sorted(answers) == [(201, "")] * 2 + [(403, "quota_bytes")] * 14
    assert Blobs(studio.engine, studio.config.blobs_url).usage("alice") == (2, 2000)


def test_only_the_token_that_sends_too_many_requests_is_told_to_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(security, "RATE", RateLimitItemPerMinute(3, 10))
    studio = Studio(tmp_path)
    answers = [studio.ask("alice", "GET", "/jobs") for _ in range(5)]
    assert answers == [(200, "")] * 3 + [(429, "too_many_requests")] * 2
    assert studio.ask("bob", "GET", "/jobs") == (200, "")
