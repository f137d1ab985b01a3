# SPDX-License-Identifier: GPL-3.0-or-later
"""Worker processes of the server are replaced when they die, and end when the server ends."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa

from server.config import Config
from server.jobs import lasting_thread
from server.jobs import supervisor as supervising
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


class BrokenHeartbeats:
    """A database that is away when a worker ends."""

    def __init__(self, error: Exception) -> None:
        self.asked = 0
        self._error = error

    def declare_dead(self, _worker: str) -> None:
        """Fail."""
        self.asked += 1
        raise self._error


@pytest.mark.parametrize(
    "error",
    [sa.exc.OperationalError("", None, Exception("away")), sa.exc.TimeoutError("pool"), RuntimeError("unknown")],
    ids=["away", "no connection", "unknown"],
)
def test_a_worker_is_replaced_also_if_its_end_cannot_be_recorded(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(supervising, "FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(lasting_thread, "RESTART_SECONDS", 0.05)
    heartbeats, started = BrokenHeartbeats(error), []

    def command(number: int, name: str) -> list[str]:
        started.append((number, name))
        return [sys.executable, "-c", "pass"]

    one = Supervisor(cast(Heartbeats, heartbeats), command, 1)
    one.start()
    end = time.monotonic() + 30
    while len(started) < 3:
        assert time.monotonic() < end, "no worker came after the first"
        time.sleep(0.02)
    one.stop()
    assert heartbeats.asked >= 2


def test_a_supervisor_that_cannot_start_a_worker_says_so_and_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lasting_thread, "RESTART_SECONDS", 0.2)
    commands = iter([["/nowhere/to/be/found"]])

    def command(_number: int, _name: str) -> list[str]:
        return next(commands, [sys.executable, "-c", "import sys; sys.stdin.read()"])

    one = Supervisor(cast(Heartbeats, BrokenHeartbeats(RuntimeError())), command, 1)
    one.start()
    seen = set()
    end = time.monotonic() + 30
    while seen != {True, False} or not one.is_well():
        assert time.monotonic() < end
        seen.add(one.is_well())
        time.sleep(0.01)
    one.stop()
    assert not one.is_well()


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
