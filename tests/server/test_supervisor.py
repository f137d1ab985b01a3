# SPDX-License-Identifier: GPL-3.0-or-later
"""Worker processes of the server are replaced when they die, and end when the server ends."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from server.config import Config
from server.jobs.supervisor import Supervisor
from server.storage.database import open_database
from server.storage.heartbeats import Heartbeats
from server.storage.tables import workers

from .conftest import Site, SmallShot


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    """One supervised worker that colors with the stand-in."""
    command = [sys.executable, "-m", "tests.server.stand_in", str(tmp_path)]
    supervisor = Supervisor(
        Heartbeats(open_database(Config(tmp_path))), lambda number, name: [*command, name, "--supervised"], 1
    )
    supervisor.start()
    yield supervisor
    supervisor.stop()


@pytest.mark.slow
@pytest.mark.usefixtures("supervisor")
def test_a_job_that_kills_two_workers_is_set_aside_and_the_next_one_runs(site: Site, shot: SmallShot) -> None:
    deadly = site.submit(shot, prompt="die")
    harmless = site.submit(shot)
    problem = site.wait_for_state(deadly, "failed")["problem"]
    assert problem["code"] == "worker_died"
    assert len((site.data / "segment_1.log").read_text().splitlines()) >= 2
    assert site.wait_for_state(harmless, "done")["segments_done"] == 4
    assert site.call("POST", f"/jobs/{deadly}/retry", 200)["state"] == "queued"


def workers_of(site: Site) -> list[str]:
    """The device classes that living workers serve."""
    devices: list[str] = site.call("GET", "/info", 200)["devices"]
    return devices


@pytest.mark.slow
@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_the_workers_end_with_the_server(
    serve: Callable[..., Site], processes: list[subprocess.Popen[Any]], kill: bool
) -> None:
    site = serve("--workers", "1")
    end = time.monotonic() + 60
    while not workers_of(site):
        assert time.monotonic() < end, "no worker came up"
        time.sleep(0.2)
    processes[0].kill() if kill else processes[0].terminate()
    processes[0].wait(30)
    assert kill or processes[0].returncode == 0
    end = time.monotonic() + 20
    with open_database(Config(site.data)).connect() as database:
        while not database.scalar(sa.select(workers.c.left)):
            assert time.monotonic() < end, "the worker outlived its server"
            time.sleep(0.1)
