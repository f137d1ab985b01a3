# SPDX-License-Identifier: GPL-3.0-or-later
"""The ends of jobs that a webhook has still to hear of. The events of the jobs are the list."""

import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import sqlalchemy as sa

from shared.status import FINAL_STATES

from .events import OVERLAP
from .job import ListedJob, UnreadableJob, listed_job_of_row
from .tables import events, jobs, webhook

LASTING_SECONDS = 3 * 24 * 3600.0
"""How old an end may be that is still reported."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class JobEnd:
    """The end of a job. number: its event's. time: in seconds since the epoch. job: with the state that it ended in."""

    number: int
    time: float
    job: ListedJob


class JobEnds:
    """Finds the ends of jobs since the first server with a webhook was started. They may be found more than once."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def begin(self) -> None:
        """Begin now, if no earlier server has begun."""
        with self._engine.begin() as connection:
            if connection.scalar(sa.select(webhook.c.number)) is None:
                latest = connection.scalar(sa.select(sa.func.max(events.c.number))) or 0
                connection.execute(sa.insert(webhook).values(number=1, since=latest, latest=latest))

    def find(self) -> tuple[list[JobEnd], int]:
        """Return the ends that `record` has not passed, and some before, oldest first. Also return what to record."""
        with self._engine.connect() as connection:
            known = connection.execute(sa.select(webhook)).one()
            top = connection.scalar(sa.select(sa.func.max(events.c.number))) or 0
            ended = (
                *(events.c.number > max(known.since, known.latest - OVERLAP), events.c.kind == "state"),
                *(events.c.state.in_(FINAL_STATES), events.c.time > time.time() - LASTING_SECONDS),
            )
            columns = [column for column in jobs.c if column is not jobs.c.manifest]
            rows = connection.execute(
                sa.select(*columns).where(jobs.c.id.in_(sa.select(events.c.job).where(*ended)))
            ).mappings()
            job_by_id = {job.id: job for job in _readable(rows)}
            own = sa.select(events.c.number, events.c.time, events.c.job, events.c.state).where(*ended)
            found = connection.execute(own.order_by(events.c.number)).all()
        ends = [
            JobEnd(number, moment, replace(job_by_id[job], state=state))
            for number, moment, job, state in found
            if job in job_by_id
        ]
        return ends, top

    def record(self, connection: sa.Connection, number: int) -> None:
        """Record that all ends up to this event are reported, within the caller's transaction."""
        update = sa.update(webhook).where(webhook.c.latest < number)
        connection.execute(update.values(latest=number))


def _readable(rows: Iterable[sa.RowMapping]) -> Iterator[ListedJob]:
    for row in rows:
        try:
            yield listed_job_of_row(row)
        except UnreadableJob as error:
            logger.error("%s", error)
