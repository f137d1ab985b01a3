# SPDX-License-Identifier: GPL-3.0-or-later
"""What the streams remember of changes: the latest of each job, and no more than they need."""

import pytest
from flask.testing import FlaskClient

from server.http.api import services_of
from server.http.dashboard import stream
from server.http.dashboard.stream import ChangePoller

from .conftest import SmallShot
from .test_api import submit, upload


def test_only_the_latest_changes_are_remembered(
    client: FlaskClient, shot: SmallShot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "MOST_CHANGES", 3)
    monkeypatch.setattr(stream, "OVERLAP", 1)
    monkeypatch.setattr(stream, "POLL_SECONDS", 0.0)
    upload(client, shot)
    poller = ChangePoller(services_of(client.application))
    known, jobs, seen = 0, [], []
    for seed in range(6):
        jobs.append(submit(client, shot, seed=seed).get_json()["id"])
        known, changed = poller.since(known, None)
        seen += changed
    assert seen == jobs, "each change is told once"
    assert poller.since(0, None)[1] == jobs[:-4:-1]
