# SPDX-License-Identifier: GPL-3.0-or-later
"""A job fails only for its own errors."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa

from server.config import Config
from server.jobs.workflow import JobRunner
from server.storage.blobs import Blobs
from server.storage.catalogue import Catalogue
from server.storage.database import open_database
from server.storage.job_changes import JobChanges
from server.storage.space import NoSpace
from tests.server.conftest import SmallShot


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = open_database(Config(tmp_path))
    yield engine
    engine.dispose()


class Faulty:
    """A colorizer that stops at a fault at once."""

    def __init__(self, fault: Exception) -> None:
        self._fault = fault

    def open(self, _shot: Any) -> Any:
        raise self._fault


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (sa.exc.OperationalError("SELECT", {}, Exception("server closed the connection")), "running"),
        (NoSpace("no room"), "running"),
        (OSError(28, "No space left on device"), "running"),
        (RuntimeError("a fault of ours"), "failed"),
        (ValueError("a sentence for people"), "failed"),
    ],
    ids=["database away", "no space", "disk full", "fault", "sentence"],
)
def test_a_job_fails_by_its_own_faults_and_is_left_to_be_taken_up_after_others(
    engine: sa.Engine, tmp_path: Path, fault: Exception, state: str
) -> None:
    shot, catalogue, blobs = SmallShot(), Catalogue(engine), Blobs(engine, str(tmp_path / "blobs"))
    for content in shot.blobs.values():
        blobs.write(content)
    with engine.begin() as connection:
        JobChanges(engine).add(connection, "job", shot.manifest, queue="cpu", owner="", fingerprint="")
    runner = JobRunner("w", engine, blobs, lambda _preset: cast(Any, Faulty(fault)))
    with pytest.raises(type(fault)):
        runner.run("job")
    assert catalogue.state("job") == state
    assert catalogue.running_on("w") == (["job"] if state == "running" else []), "its worker queues it again"
    assert runner.current_job is None
