# SPDX-License-Identifier: GPL-3.0-or-later
"""Several machines on one PostgreSQL and one blob store: the same code, more workers."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from server.config import Config
from server.storage.database import open_database

from .conftest import Site, SmallShot
from .test_jobs import StartWorker, runs_of


@pytest.fixture
def storage(tmp_path: Path, postgresql: Any) -> Config:
    """A separate database server and blob folder, as on a studio's network."""
    return Config(tmp_path, database=postgresql.new_database(), blobs=str(tmp_path / "shared" / "blobs"))


def test_many_processes_may_open_an_empty_database_at_once(storage: Config) -> None:
    failures: list[BaseException] = []

    def open_it() -> None:
        try:
            open_database(storage).dispose()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_three_workers_share_the_jobs_and_one_that_is_killed_costs_a_segment_and_no_pixel(
    site: Site, shot: SmallShot, start_worker: StartWorker
) -> None:
    undisturbed = site.submit(shot, prompt="slow")
    workers = [start_worker()]
    site.wait_for_state(undisturbed, "done")
    frames = site.frames(undisturbed)
    site.call("DELETE", f"/jobs/{undisturbed}", 204)

    workers += [start_worker(), start_worker()]
    wait_for_workers(site, 3)
    jobs = [site.submit(shot, prompt="slow", seed=seed) for seed in (0, 1, 2, 3, 4, 5)]
    site.wait_for_segments(jobs[0], 1)
    running = {one["id"] for one in site.call("GET", "/jobs?state=running", 200)}
    assert len(running) == 3, "three at once"
    workers[0].kill()
    workers[0].wait()
    for job in jobs:
        assert site.wait_for_state(job, "done")["segments_done"] == 4
    assert site.frames(jobs[0]) == frames
    taken_over = [
        job
        for job in jobs
        if any("last finished segment" in event["message"] for event in site.call("GET", f"/jobs/{job}/events", 200))
    ]
    assert len(taken_over) == 1
    assert sum(runs_of(site.data, segment) for segment in range(4)) <= 4 * 7 + 1, "one segment was done twice"


def test_a_waiting_job_can_overtake_and_a_paused_queue_begins_none(
    site: Site, shot: SmallShot, start_worker: StartWorker
) -> None:
    start_worker()
    site.wait_for_state(site.submit(shot), "done")  # from now on the worker looks for more
    assert pause(site, "pause")["paused"]
    low = site.submit(shot, seed=1, priority="low")
    first, second, urgent = (site.submit(shot, seed=seed) for seed in (2, 3, 4))
    time.sleep(1.5)
    queue = queue_of(site)
    assert (queue["queued"], queue["running"], queue["workers"]) == (4, 0, 1)
    assert site.call("POST", f"/jobs/{urgent}/priority", 200, json={"priority": "high"})["priority"] == "high"
    assert not pause(site, "resume")["paused"]
    ended = {job: site.wait_for_state(job, "done")["finished"] for job in (low, first, second, urgent)}
    assert sorted(ended, key=lambda job: ended[job]) == [urgent, first, second, low]
    assert site.call("POST", f"/jobs/{low}/priority", 409, json={"priority": "high"})["code"] == "not_waiting"


def pause(site: Site, action: str) -> dict[str, Any]:
    site.call("POST", f"/queues/cpu/{action}", 200)
    return queue_of(site)


def queue_of(site: Site) -> dict[str, Any]:
    return next(queue for queue in site.call("GET", "/queues", 200) if queue["name"] == "cpu")


def wait_for_workers(site: Site, count: int) -> None:
    end = time.monotonic() + 60
    while sum(queue["workers"] for queue in site.call("GET", "/queues", 200)) < count:
        assert time.monotonic() < end, "the workers did not come up"
        time.sleep(0.2)


def test_a_worker_joins_from_another_box_by_the_addresses_alone(
    site: Site, shot: SmallShot, storage: Config, processes: list[subprocess.Popen[Any]], tmp_path: Path
) -> None:
    job = site.submit(shot)
    command = ["-m", "server", "worker", "--database", storage.database, "--blobs", storage.blobs, "--device", "cpu"]
    elsewhere = tmp_path / "elsewhere"
    processes.append(subprocess.Popen([sys.executable, *command, "--data", str(elsewhere)]))
    site.wait_for_state(job, "done")
    assert len(site.frames(job)) == 16
    assert not elsewhere.exists(), "it keeps nothing of its own"


def test_a_film_is_made_once_for_all_servers(
    serve: Callable[..., Site], start_worker: StartWorker, shot: SmallShot
) -> None:
    first, second = serve("--workers", "0"), serve("--workers", "0")
    start_worker()
    job = first.submit(shot)
    first.wait_for_state(job, "done")
    film = first.film(job)
    assert second.call("GET", f"/jobs/{job}/video.mp4", 200) == film
