# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts over all jobs and segments, for monitoring."""

from dataclasses import dataclass

import sqlalchemy as sa

from .tables import jobs, segments


@dataclass(frozen=True)
class SegmentCount:
    """The finished segments of a queue's jobs. reused: whether they were colored for another job. seconds: the time it
    took to color them."""

    queue: str
    reused: bool
    count: int
    seconds: float


class Statistics:
    """Counts the current contents of the database. Each count takes one statement."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def jobs(self) -> dict[tuple[str, str], int]:
        """Return how many jobs there are, by queue and state."""
        query = sa.select(jobs.c.queue, jobs.c.state, sa.func.count()).group_by(jobs.c.queue, jobs.c.state)
        with self._engine.connect() as connection:
            return {(queue, state): count for queue, state, count in connection.execute(query)}

    def segments(self) -> list[SegmentCount]:
        """Return the finished segments, by queue."""
        columns = (jobs.c.queue, segments.c.reused)
        seconds = sa.func.sum(segments.c.finished - segments.c.begun)
        query = sa.select(*columns, sa.func.count(), seconds).join_from(segments, jobs, segments.c.job == jobs.c.id)
        query = query.where(segments.c.finished.is_not(None)).group_by(*columns)
        with self._engine.connect() as connection:
            return [SegmentCount(*row) for row in connection.execute(query)]
