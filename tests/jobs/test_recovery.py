# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker queues only those jobs again that it could not continue. The jobs of dead workers are tested with real
workers, in tests/server."""

import pytest
import sqlalchemy as sa

from server.jobs.recovery import Recovery
from server.storage.catalogue import Catalogue
from server.storage.job_changes import JobChanges
from tests.server.conftest import SmallShot


def test_a_job_that_begins_while_the_worker_looks_around_is_left_alone(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes, current = JobChanges(engine), []
    with engine.begin() as connection:
        changes.add(connection, "job", SmallShot().manifest, queue="cpu", owner="", fingerprint="")
    read = Catalogue.running_on

    def begin_and_read(catalogue: Catalogue, worker: str) -> list[str]:
        current.append("job")
        changes.move("job", "running", allowed=("queued",), worker=worker)
        return read(catalogue, worker)

    monkeypatch.setattr(Catalogue, "running_on", begin_and_read)
    Recovery(engine).recover_jobs("w", lambda: current[-1] if current else None)
    assert Catalogue(engine).state("job") == "running"
