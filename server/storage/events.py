# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbered events of the jobs: every change of a job writes one."""

import time
from dataclasses import dataclass

import sqlalchemy as sa

from shared.status import JobEvent

from .tables import events, jobs

OVERLAP = 200
"""How many event numbers are read again, because events of several writers can become visible out of order."""


@dataclass(frozen=True)
class LatestEvent:
    """The number of the latest event of a job, and the job's owner."""

    number: int
    owner: str


class Events:
    """Reads the events of all jobs."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def of(self, job: str, after: int = 0) -> list[JobEvent]:
        """Return the events of a job with numbers above `after`, oldest first."""
        columns = [column for column in events.c if column is not events.c.job]
        query = sa.select(*columns).where(events.c.job == job, events.c.number > after).order_by(events.c.number)
        with self._engine.connect() as connection:
            return [JobEvent(**row) for row in connection.execute(query).mappings()]

    def changed_jobs(self, after: int) -> dict[str, LatestEvent]:
        """Return the jobs that have events with numbers above `after`, with the latest one."""
        latest = sa.func.max(events.c.number).label("number")
        query = sa.select(events.c.job, jobs.c.owner, latest).join_from(events, jobs, events.c.job == jobs.c.id)
        query = query.where(events.c.number > after).group_by(events.c.job, jobs.c.owner)
        with self._engine.connect() as connection:
            return {row.job: LatestEvent(row.number, row.owner) for row in connection.execute(query)}

    def latest(self) -> int:
        """Return the number of the latest event of all jobs, 0 when there is none."""
        with self._engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.max(events.c.number))) or 0


def write_event(connection: sa.Connection, job: str, kind: str, message: str = "") -> None:
    """Write an event with the job's current state and progress, within the caller's transaction."""
    present = ("state", "segments_done", "segments_total", "progress")
    row = sa.select(
        sa.literal(job),
        sa.literal(time.time()),
        sa.literal(kind),
        sa.literal(message),
        *(jobs.c[name] for name in present),
    ).where(jobs.c.id == job)
    connection.execute(sa.insert(events).from_select(["job", "time", "kind", "message", *present], row))
