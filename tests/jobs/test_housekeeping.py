# SPDX-License-Identifier: GPL-3.0-or-later
"""Housekeeping removes only what no job needs, and continues after any fault."""

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa

from server.config import Config, Retention
from server.jobs import housekeeping
from server.jobs.client import Jobs
from server.jobs.films import Films
from server.jobs.housekeeping import Housekeeping
from server.storage.blobs import Blobs, Removed
from server.storage.catalogue import Catalogue
from server.storage.database import now, open_database
from server.storage.integrity import Integrity
from server.storage.job import UnknownJob
from server.storage.job_changes import JobChanges
from server.storage.segments import FinishedSegment
from server.storage.tables import blobs as blob_rows
from server.storage.tables import jobs as job_rows
from tests.faults.shots import FaultShot, draw_shot

DAY = 24 * 3600.0


class House:
    """A catalogue, its blobs, and who keeps them for a week."""

    def __init__(self, engine: sa.Engine, blobs: str) -> None:
        self.engine, self.catalogue, self.blobs = engine, Catalogue(engine), Blobs(engine, blobs)
        self.changes, self.jobs = JobChanges(engine), Jobs(engine)
        self.films = Films(engine, self.blobs)
        stored = (self.catalogue, self.blobs, Integrity(engine))
        self.keeping = Housekeeping(self.jobs, self.films, *stored, Retention(job_days=7.0))

    def add(self, job: str, shot: FaultShot, state: str, frame: bytes) -> set[str]:
        """Add a job with one finished segment; return what it needs."""
        for content in shot.blobs.values():
            self.blobs.write(content)
        self.jobs.submit(job, shot.manifest, "cpu", "")
        self.changes.move(job, "running", allowed=("queued",), worker="w")
        self.changes.plan(job, [[0], [1]], 0.0)
        picture, memory = self.blobs.write(frame), self.blobs.write(b"memory of " + frame)
        self.changes.finish_segment(job, FinishedSegment(0, job, {0: picture}, memory, {}, 0.0, 1.0), 0.5)
        if state != "running":
            self.changes.move(job, cast(Any, state), allowed=("running",))
        return {*shot.manifest.blobs, picture, memory}

    def ended(self, job: str, days: float) -> None:
        """Let a job have ended so long ago."""
        with self.engine.begin() as connection:
            row = sa.update(job_rows).where(job_rows.c.id == job)
            connection.execute(row.values(finished=time.time() - days * DAY, created=time.time() - 2 * days * DAY))

    def forget_all(self) -> None:
        """Let nobody have asked for any blob for long."""
        with self.engine.begin() as connection:
            connection.execute(sa.update(blob_rows).values(touched=now() - 9 * DAY))

    def stored(self) -> set[str]:
        with self.engine.connect() as connection:
            return set(connection.scalars(sa.select(blob_rows.c.address)))


@pytest.fixture
def house(engine: sa.Engine, tmp_path: Path) -> Iterator[House]:
    house = House(engine, str(tmp_path / "blobs"))
    yield house
    house.jobs.close()


@pytest.mark.parametrize("state", ["done", "failed", "cancelled"])
def test_a_job_that_ended_goes_after_its_days_with_what_it_alone_needs(house: House, state: str) -> None:
    first, second = draw_shot(1, slow=False), draw_shot(2, slow=False)
    shared = first.manifest.drawings[:3]
    changed = replace(second.manifest, drawings=(*shared, *second.manifest.drawings[3:]))
    second = FaultShot(changed, second.blobs | {address: first.blobs[address] for address in shared})
    old = house.add("old", first, state, b"frame of the old")
    young = house.add("young", second, state, b"frame of the young")
    live = house.add("live", draw_shot(3, slow=False), "running", b"frame of the live")
    house.ended("old", 8.0)
    house.ended("young", 6.0)
    with house.engine.begin() as connection:  # it began long before the old one ended
        connection.execute(sa.update(job_rows).where(job_rows.c.id == "live").values(created=time.time() - 90 * DAY))
    house.forget_all()
    house.keeping.clean()
    with pytest.raises(UnknownJob):
        house.catalogue.job("old")
    assert {house.catalogue.state("young"), house.catalogue.state("live")} == {state, "running"}
    assert len(young & old) == 3 and house.stored() == young | live, "what two share stays for the one"
    for address in young | live:
        house.blobs.read(address)
    house.forget_all()
    house.keeping.clean()
    assert house.stored() == young | live


def test_without_days_no_job_ever_goes(house: House) -> None:
    needed = house.add("old", draw_shot(1, slow=False), "done", b"frame")
    house.ended("old", 1000.0)
    house.forget_all()
    Housekeeping(house.jobs, house.films, house.catalogue, house.blobs, Integrity(house.engine), Retention()).clean()
    assert house.catalogue.state("old") == "done" and house.stored() == needed


class FaultyBlobs:
    """A store that is away for a while, in its own words; `collected` tells when it was asked again."""

    def __init__(self) -> None:
        self.calls = 0
        self.collected = threading.Event()

    def verify_oldest(self, _seconds: float) -> int:
        return 0

    def register_orphans(self, _age: float) -> int:
        return 0

    def collect(self, _age: float) -> Removed:
        self.calls += 1
        if self.calls == 1:
            raise RuntimeError("Could not connect to the endpoint URL")
        self.collected.set()
        return Removed()


def test_a_fault_that_nobody_knows_ends_a_round_and_not_the_housekeeping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(housekeeping, "REQUEUE_SECONDS", 0.01)
    monkeypatch.setattr(housekeeping, "CLEAN_SECONDS", 0.0)
    blobs, house = FaultyBlobs(), House(open_database(Config(tmp_path)), str(tmp_path / "blobs"))
    keeping = Housekeeping(
        house.jobs, house.films, house.catalogue, cast(Any, blobs), Integrity(house.engine), Retention()
    )
    with caplog.at_level(logging.ERROR):
        keeping.start()
        assert blobs.collected.wait(60)
        keeping.stop()
    traces = [record.exc_info for record in caplog.records if record.name == housekeeping.__name__]
    assert traces and traces[0] is not None and "endpoint URL" in str(traces[0][1])


class SlowBlobs(FaultyBlobs):
    """A store whose listing takes as long as the test wants."""

    def __init__(self) -> None:
        super().__init__()
        self.listing, self.released = threading.Event(), threading.Event()

    def register_orphans(self, _age: float) -> int:
        self.listing.set()
        self.released.wait(120)
        return 0


def test_a_server_ends_while_a_large_store_is_being_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "STOP_SECONDS", 0.1)
    blobs, house = SlowBlobs(), House(open_database(Config(tmp_path)), str(tmp_path / "blobs"))
    keeping = Housekeeping(
        house.jobs, house.films, house.catalogue, cast(Any, blobs), Integrity(house.engine), Retention()
    )
    keeping.start()
    assert blobs.listing.wait(60)
    stopping = threading.Thread(target=keeping.stop)
    stopping.start()
    stopping.join(60)
    assert not stopping.is_alive()
    blobs.released.set()
