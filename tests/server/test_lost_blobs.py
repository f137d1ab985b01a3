# SPDX-License-Identifier: GPL-3.0-or-later
"""Blobs that the disk lost or damaged are noticed, counted and mended: inputs by an upload, frames by coloring."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from server.config import Config, Retention
from server.doctor.database import check_database
from server.jobs.client import Jobs
from server.jobs.films import Films
from server.jobs.housekeeping import Housekeeping
from server.storage.blobs import Blobs
from server.storage.catalogue import Catalogue
from server.storage.database import now
from server.storage.frames import Frames
from server.storage.integrity import Integrity
from server.storage.tables import blobs as rows
from server.storage.tables import segments
from tests.server.doctor.findings import the_one

from .conftest import Site, SmallShot
from .test_jobs import StartWorker, runs_of

DAY = 24 * 3600.0


@pytest.fixture
def housekeeping(engine: sa.Engine, tmp_path: Path) -> Iterator[Housekeeping]:
    """Housekeeping whose rounds the test runs."""
    jobs, store = Jobs(engine), Blobs(engine, str(tmp_path / "blobs"))
    films = Films(engine, store)
    yield Housekeeping(jobs, films, Catalogue(engine), store, Integrity(engine), Retention())
    jobs.close()
    films.close()


def file_of(tmp_path: Path, address: str) -> Path:
    return tmp_path / "blobs" / address[:2] / address


def flip(path: Path) -> None:
    """Change one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def let_pass(engine: sa.Engine, seconds: float) -> None:
    """Let all blobs have been verified so long ago."""
    with engine.begin() as connection:
        connection.execute(sa.update(rows).values(checked=now() - seconds))


@pytest.mark.parametrize("fault", ["lost", "damaged"])
def test_a_frame_that_the_store_lost_is_colored_again(
    engine: sa.Engine,
    housekeeping: Housekeeping,
    site: Site,
    shot: SmallShot,
    start_worker: StartWorker,
    tmp_path: Path,
    fault: str,
) -> None:
    start_worker()
    job = site.submit(shot)
    site.wait_for_state(job, "done")
    before = site.frames(job)
    path = file_of(tmp_path, Frames(engine).blobs(job)[5])
    path.unlink() if fault == "lost" else flip(path)
    problem = site.call("GET", f"/jobs/{job}/frames/{101 + 2 * 5}.png", 503)
    assert problem["code"] == "frame_lost" and "colored again" in problem["title"]
    runs = {index: runs_of(tmp_path, index) for index in range(4)}
    housekeeping.mend()
    assert site.wait_for_state(job, "done")["segments_done"] == 4
    assert site.frames(job) == before
    again = {index: runs_of(tmp_path, index) - runs[index] for index in range(4)}
    assert again == {0: 0, 1: 0, 2: 1, 3: 0}, "only the segment of that frame"
    assert "lost 1 frames" in str(site.call("GET", f"/jobs/{job}/events", 200))
    assert Blobs(engine, str(tmp_path / "blobs")).lost() == 0


def test_a_frame_of_a_job_that_never_had_a_workflow_is_colored_again_too(
    engine: sa.Engine,
    housekeeping: Housekeeping,
    site: Site,
    shot: SmallShot,
    start_worker: StartWorker,
    tmp_path: Path,
) -> None:
    start_worker()
    first = site.submit(shot)
    site.wait_for_state(first, "done")
    second = site.submit(shot, name="the same")
    assert site.wait_for_state(second, "done")["segments_done"] == 4
    before = site.frames(first)
    flip(file_of(tmp_path, Frames(engine).blobs(first)[0]))
    site.call("DELETE", f"/jobs/{first}", 204)
    let_pass(engine, 31 * DAY)
    housekeeping.mend()
    site.wait_for_state(second, "done")
    assert site.frames(second) == before


def test_a_drawing_that_the_store_damaged_colors_nothing_and_is_mended_by_sending_it_again(
    engine: sa.Engine, site: Site, shot: SmallShot, start_worker: StartWorker, tmp_path: Path
) -> None:
    drawing = shot.manifest.drawings[2]
    site.upload(shot)
    flip(file_of(tmp_path, drawing))
    job = site.submit(shot)
    start_worker()
    problem = site.wait_for_state(job, "failed")["problem"]
    assert problem["code"] == "missing_blobs" and problem["missing"] == [drawing]
    assert "upload it again" in problem["title"]
    assert site.call("POST", "/blobs/missing", 200, json=list(shot.blobs)) == [drawing]
    site.upload(shot)
    site.call("POST", f"/jobs/{job}/retry", 200)
    site.wait_for_state(job, "done")


def test_whoever_sends_a_blob_again_mends_it_although_nobody_noticed(
    site: Site, shot: SmallShot, tmp_path: Path
) -> None:
    site.upload(shot)
    address, content = next(iter(shot.blobs.items()))
    site.call("PUT", f"/blobs/{address}", 200, data=content)
    file_of(tmp_path, address).unlink()
    site.call("PUT", f"/blobs/{address}", 201, data=content)
    assert file_of(tmp_path, address).read_bytes() == content
    flip(file_of(tmp_path, address))
    site.call("PUT", f"/blobs/{address}", 201, data=content)
    assert file_of(tmp_path, address).read_bytes() == content


def test_a_job_whose_memory_was_lost_while_it_waited_colors_that_segment_again(
    engine: sa.Engine, site: Site, shot: SmallShot, start_worker: StartWorker, tmp_path: Path
) -> None:
    (tmp_path / "pause").touch()
    worker = start_worker()
    undisturbed = site.submit(shot)
    site.wait_for_state(undisturbed, "done")
    job = site.submit(shot, prompt="wait", seed=7)
    site.wait_for_segments(job, 1)
    worker.kill()
    with engine.connect() as connection:
        state = connection.scalar(sa.select(segments.c.state).where(segments.c.job == job, segments.c.number == 0))
    assert state is not None
    file_of(tmp_path, state).unlink()
    (tmp_path / "pause").unlink()
    start_worker()
    assert site.wait_for_state(job, "done")["segments_done"] == 4
    assert len(site.frames(job)) == 16 and file_of(tmp_path, state).exists()


def test_a_frame_whose_drawings_were_lost_too_waits_for_them(
    engine: sa.Engine,
    housekeeping: Housekeeping,
    site: Site,
    shot: SmallShot,
    start_worker: StartWorker,
    tmp_path: Path,
) -> None:
    start_worker()
    job = site.submit(shot)
    site.wait_for_state(job, "done")
    before = site.frames(job)
    file_of(tmp_path, Frames(engine).blobs(job)[0]).unlink()
    file_of(tmp_path, shot.manifest.drawings[0]).unlink()
    let_pass(engine, 31 * DAY)
    housekeeping.mend()
    problem = site.call("GET", f"/jobs/{job}/frames/101.png", 409)
    assert problem["code"] == "missing_blobs" and problem["missing"] == [shot.manifest.drawings[0]]
    site.upload(shot)
    housekeeping.mend()
    site.wait_for_state(job, "done")
    assert site.frames(job) == before


def test_what_was_lost_is_told_by_readiness_metrics_and_doctor_until_it_is_back(
    engine: sa.Engine, housekeeping: Housekeeping, site: Site, shot: SmallShot, tmp_path: Path
) -> None:
    site.upload(shot)
    path = file_of(tmp_path, next(iter(shot.blobs)))
    path.rename(tmp_path / "backup")
    let_pass(engine, 31 * DAY)
    housekeeping.mend()
    ready = site.session.get(f"{site.root}/readyz", timeout=30).json()
    assert ready["status"] == "ready" and "1 images" in ready["warnings"][0]
    assert "longanimation_blobs_lost 1.0" in site.session.get(f"{site.root}/metrics", timeout=30).text
    assert "1 images" in the_one(check_database(Config(tmp_path)), "warning", "Images").text
    (tmp_path / "backup").rename(path)
    let_pass(engine, 2 * 3600.0)
    housekeeping.mend()
    assert site.session.get(f"{site.root}/readyz", timeout=30).json() == {"status": "ready"}


def test_every_bit_that_flips_is_noticed(engine: sa.Engine, tmp_path: Path) -> None:
    store = Blobs(engine, str(tmp_path / "blobs"))
    content = next(iter(SmallShot().blobs.values()))
    path = file_of(tmp_path, store.write(content))
    for bit in range(8 * len(content)):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        assert not store.verify(path.name), f"bit {bit}"
