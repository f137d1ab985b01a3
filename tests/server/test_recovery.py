# SPDX-License-Identifier: GPL-3.0-or-later
"""Work continues after a crash between two steps that belong together. These moments are too short to hit by killing
processes, so the tests create the state on disk directly."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from server.config import Config
from server.jobs.client import Jobs
from server.storage.database import open_database
from server.storage.heartbeats import Heartbeats
from server.storage.job_changes import JobChanges
from server.storage.tables import events, jobs, workers

from .conftest import Site, SmallShot
from .test_jobs import StartWorker, runs_of

workflows = sa.table("workflow_status", sa.column("workflow_uuid"), sa.column("status"))
outcomes = sa.table("operation_outputs", sa.column("workflow_uuid"), sa.column("function_id"))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = open_database(Config(tmp_path))
    yield engine
    engine.dispose()


def segments_told(site: Site, job: str) -> list[int]:
    """How many segments were done, by each event of a segment."""
    told = site.call("GET", f"/jobs/{job}/events", 200)
    return [event["segments_done"] for event in told if event["kind"] == "segment"]


def test_a_job_whose_server_died_while_it_was_tried_again_is_queued_by_the_next_round_of_housekeeping(
    engine: sa.Engine, site: Site, shot: SmallShot, start_worker: StartWorker
) -> None:
    job, waiting = site.submit(shot), site.submit(shot, seed=1)
    site.call("POST", f"/jobs/{job}/cancel", 200)
    assert JobChanges(engine).move(job, "queued", allowed=("cancelled",))  # the first half of a retry
    api = Jobs(engine)
    assert api.requeue_stalled(60.0) == 0, "somebody may be at work on it"
    start_worker()
    site.wait_for_state(waiting, "done")
    assert site.call("GET", f"/jobs/{job}", 200)["state"] == "queued", "no worker knows of it"
    with engine.begin() as connection:
        connection.execute(sa.update(events).values(time=events.c.time - 61.0))
    assert api.requeue_stalled(60.0) == 1
    assert site.wait_for_state(job, "done")["segments_done"] == 4
    assert api.requeue_stalled(0.0) == 0
    api.close()


def test_a_job_that_waits_its_turn_is_left_alone(engine: sa.Engine, site: Site, shot: SmallShot) -> None:
    site.submit(shot)
    api = Jobs(engine)
    assert api.requeue_stalled(-1.0) == 0
    api.close()


def test_a_job_whose_workflow_stopped_at_a_fault_just_before_its_worker_died_goes_on(
    engine: sa.Engine, site: Site, shot: SmallShot, start_worker: StartWorker
) -> None:
    job = site.submit(shot)
    with engine.begin() as connection:
        connection.execute(sa.update(jobs).values(state="running", worker="gone"))
        connection.execute(sa.update(workflows).where(workflows.c.workflow_uuid == job).values(status="ERROR"))
        connection.execute(sa.insert(workers).values(id="gone", device="cpu", beat=0.0))
    start_worker()
    assert site.wait_for_state(job, "done")["segments_done"] == 4
    assert len(site.frames(job)) == 16


def test_a_segment_whose_step_was_not_recorded_before_the_crash_is_neither_done_nor_told_twice(
    engine: sa.Engine, site: Site, shot: SmallShot, start_worker: StartWorker
) -> None:
    job = site.submit(shot, prompt="slow")
    worker = start_worker()
    site.wait_for_segments(job, 2)
    worker.kill()
    worker.wait()
    with engine.begin() as connection:
        dead = connection.scalar(sa.select(workers.c.id))
        recorded = outcomes.c.workflow_uuid == job, outcomes.c.function_id >= 2
        connection.execute(sa.delete(outcomes).where(*recorded))
    assert dead is not None
    Heartbeats(engine).declare_dead(dead)
    start_worker()
    site.wait_for_state(job, "done")
    assert segments_told(site, job) == [1, 2, 3, 4]
    assert [runs_of(site.data, segment) for segment in (0, 1)] == [1, 1]


def test_a_job_that_goes_while_it_is_taken_over_costs_no_worker(
    engine: sa.Engine, site: Site, shot: SmallShot, start_worker: StartWorker
) -> None:
    job = site.submit(shot)
    with engine.begin() as connection:
        connection.execute(sa.update(jobs).values(state="running", worker="gone"))
        connection.execute(sa.delete(workflows).where(workflows.c.workflow_uuid == job))  # the second half of a DELETE
        connection.execute(sa.insert(workers).values(id="gone", device="cpu", beat=0.0))
    worker = start_worker()
    site.wait_for_state(site.submit(shot, seed=1), "done")
    end = time.monotonic() + 60
    with engine.connect() as connection:
        while connection.scalar(sa.select(workers.c.id).where(workers.c.id == "gone")):
            assert time.monotonic() < end, "the dead worker was not recovered"
            time.sleep(0.1)
            connection.rollback()
    assert worker.poll() is None


BROKEN_WORKER = """
import sys, time
from pathlib import Path
from server.config import Config
from server.jobs import worker
from server.storage.heartbeats import Device
data = Path(sys.argv[1])
class Engine:
    def open(self, shot):
        (data / "begun").touch()
        time.sleep(3600)
def device():
    if (data / "begun").exists():
        raise RuntimeError("the driver is gone")
    return Device("cpu")
worker.run(Config(data), lambda preset: Engine(), device, "broken")
"""


def test_a_worker_whose_heart_stops_ends_at_once_with_the_job_in_its_hands(
    engine: sa.Engine, site: Site, shot: SmallShot, start_worker: StartWorker
) -> None:
    job = site.submit(shot)
    command = [sys.executable, "-c", BROKEN_WORKER, str(site.data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 1
    assert "the driver is gone" in done.stderr
    Heartbeats(engine).declare_dead("broken")
    start_worker()
    site.wait_for_state(job, "done")
