# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers and workers refuse a blob store that is not theirs, and say so without naming folders to users."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from server.jobs.patience import AWAY_MESSAGE, WAIT_SECONDS

from .conftest import Site, SmallShot
from .test_jobs import StartWorker


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the server to its end."""
    command = [sys.executable, "-m", "server", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_a_server_with_a_forgotten_database_does_not_start_and_removes_nothing(
    serve: Callable[..., Site], shot: SmallShot, tmp_path: Path
) -> None:
    serve("--workers", "0").upload(shot)
    store = tmp_path / "blobs"
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    common = ("--data", str(tmp_path / "other"), "--blobs", str(store))
    for command in (
        ("serve", "--listen", "127.0.0.1:0", "--device", "cpu", *common),
        ("worker", "--device", "cpu", *common),
    ):
        done = run(*command)
        assert done.returncode == 2 and "this database knows none of them" in done.stderr
        assert "server adopt" in done.stderr
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before


def test_while_the_store_is_not_mounted_the_server_is_unready_and_jobs_fail_in_words(
    site: Site, shot: SmallShot, start_worker: StartWorker, tmp_path: Path
) -> None:
    job = site.submit(shot)
    (tmp_path / "blobs").rename(tmp_path / "unmounted")
    (tmp_path / "blobs").mkdir()
    ready = site.session.get(f"{site.root}/readyz", timeout=30)
    assert (ready.status_code, ready.json()["code"]) == (503, "blobs_away") and "Retry-After" in ready.headers
    other = shot.with_blob(0, b"other")
    address = other.manifest.drawings[0]
    problem = site.call("PUT", f"/blobs/{address}", 503, data=other.blobs[address])
    assert problem["code"] == "blobs_away" and str(tmp_path) not in problem["title"]
    (tmp_path / "blobs").rmdir()
    (tmp_path / "unmounted").rename(tmp_path / "blobs")
    assert site.session.get(f"{site.root}/readyz", timeout=30).json() == {"status": "ready"}
    start_worker()
    site.wait_for_state(job, "done")


def test_a_job_waits_while_the_store_is_away_and_continues_by_itself(
    site: Site, shot: SmallShot, start_worker: StartWorker, tmp_path: Path
) -> None:
    (tmp_path / "pause").touch()
    start_worker()
    job = site.submit(shot, prompt="wait")
    site.wait_for_segments(job, 1)
    (tmp_path / "blobs").rename(tmp_path / "unmounted")
    (tmp_path / "blobs").mkdir()
    (tmp_path / "pause").unlink()

    def messages() -> list[str]:
        return [event["message"] for event in site.call("GET", f"/jobs/{job}/events", 200)]

    site.wait(job, lambda _: AWAY_MESSAGE in messages())
    time.sleep(2 * WAIT_SECONDS)
    assert site.call("GET", f"/jobs/{job}", 200)["state"] == "running" and messages().count(AWAY_MESSAGE) == 1
    (tmp_path / "blobs").rmdir()
    (tmp_path / "unmounted").rename(tmp_path / "blobs")
    site.wait_for_state(job, "done")
