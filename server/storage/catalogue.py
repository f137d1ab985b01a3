# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of jobs and their status. It only reads; `job_changes` writes."""

import logging
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from shared.status import FINAL_STATES, JobState, JobStatus, JobSummary

from .job import ACTIVE_STATES, Job, ListedJob, UnknownJob, UnreadableJob, job_of_row, listed_job_of_row
from .tables import blobs, events, frames, inputs, jobs

logger = logging.getLogger(__name__)

_Job = TypeVar("_Job", bound=ListedJob)


class Catalogue:
    """Reads the jobs."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._unreadable: set[str] = set()

    def job(self, job: str) -> Job:
        """Return a job. Raises UnknownJob and UnreadableJob."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(jobs).where(jobs.c.id == job)).mappings().first()
        if row is None:
            raise UnknownJob(job)
        return job_of_row(row)

    def listed(
        self,
        owner: str | None = None,
        states: Sequence[JobState] = (),
        limit: int | None = None,
        before: str | None = None,
    ) -> list[ListedJob]:
        """Return the jobs, newest first, optionally only those of an owner, in some states or older than the job with
        the id `before`, at most `limit`."""
        order = (jobs.c.created.desc(), jobs.c.id.desc())
        found = sa.select(jobs.c.id).order_by(*order).limit(limit)
        if owner is not None:
            found = found.where(jobs.c.owner == owner)
        if states:
            found = found.where(jobs.c.state.in_(states))
        if before is not None:
            created = sa.select(jobs.c.created).where(jobs.c.id == before).scalar_subquery()
            found = found.where(sa.tuple_(jobs.c.created, jobs.c.id) < sa.tuple_(created, before))
        columns = [column for column in jobs.c if column is not jobs.c.manifest]
        query = sa.select(*columns).where(jobs.c.id.in_(found)).order_by(*order)
        return self._readable(query, listed_job_of_row)

    def stalled(self, seconds: float) -> list[Job]:
        """Return the waiting jobs whose last event is more than `seconds` ago."""
        latest = sa.select(sa.func.max(events.c.time)).where(events.c.job == jobs.c.id).scalar_subquery()
        return self._jobs(sa.select(jobs).where(jobs.c.state == "queued", latest < time.time() - seconds))

    def expired(self, seconds: float) -> list[str]:
        """Return the ids of the jobs that ended more than `seconds` ago."""
        query = sa.select(jobs.c.id).where(jobs.c.state.in_(FINAL_STATES), jobs.c.finished < time.time() - seconds)
        with self._engine.connect() as connection:
            return list(connection.scalars(query))

    def with_lost_frames(self) -> list[Job]:
        """Return the jobs that are done, of which the store lost frames but none of the images they are made from."""
        lost_frame, lost_input = (
            sa.select(table.c.job).join_from(blobs, table, table.c.blob == blobs.c.address).where(blobs.c.lost)
            for table in (frames, inputs)
        )
        own = (jobs.c.state == "done", jobs.c.id.in_(lost_frame), jobs.c.id.not_in(lost_input))
        return self._jobs(sa.select(jobs).where(*own))

    def owner(self, job: str) -> str | None:
        """Return the owner of a job, which may be unreadable, or None when there is no such job."""
        with self._engine.connect() as connection:
            return connection.scalar(sa.select(jobs.c.owner).where(jobs.c.id == job))

    def state(self, job: str) -> JobState | None:
        """Return the state of a job, or None when it was deleted."""
        with self._engine.connect() as connection:
            return connection.scalar(sa.select(jobs.c.state).where(jobs.c.id == job))

    def is_running_on(self, worker: str, job: str) -> bool:
        """Return whether a job is running and still assigned to `worker`."""
        query = sa.select(jobs.c.id).where(jobs.c.id == job, jobs.c.state == "running", jobs.c.worker == worker)
        with self._engine.connect() as connection:
            return connection.scalar(query) is not None

    def running_on(self, worker: str) -> list[str]:
        """Return the ids of the running jobs that are assigned to `worker`."""
        query = sa.select(jobs.c.id).where(jobs.c.state == "running", jobs.c.worker == worker)
        with self._engine.connect() as connection:
            return list(connection.scalars(query))

    def total(self) -> int:
        """Return how many jobs there are, in any state."""
        with self._engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(jobs)) or 0

    def count(self, states: Sequence[JobState], owner: str | None = None) -> int:
        """Return how many jobs are in the given states, of all owners or of one."""
        with self._engine.connect() as connection:
            return count_jobs(connection, states, owner)

    def active_by_queue(self) -> dict[tuple[str, str], int]:
        """Return how many jobs are waiting and running, by queue and state."""
        query = sa.select(jobs.c.queue, jobs.c.state, sa.func.count()).where(jobs.c.state.in_(ACTIVE_STATES))
        with self._engine.connect() as connection:
            rows = connection.execute(query.group_by(jobs.c.queue, jobs.c.state))
            return {(queue, state): count for queue, state, count in rows}

    def status(self, job: Job) -> JobStatus:
        """Return the public status of a job."""
        # A finished job has all its drawings and needs no query.
        finished: Collection[int] = range(job.drawing_count)
        if job.state != "done":
            with self._engine.connect() as connection:
                finished = set(connection.scalars(sa.select(frames.c.drawing).where(frames.c.job == job.id)))
        exposure = job.manifest.exposure
        shown = tuple(frame for frame in exposure.frames if exposure.drawing_at(frame) in finished)
        return JobStatus(**_public(job), frames_done=shown)

    def _jobs(self, query: sa.Select[*tuple[object, ...]]) -> list[Job]:
        return self._readable(query, job_of_row)

    def _readable(self, query: sa.Select[*tuple[object, ...]], read: Callable[[sa.RowMapping], _Job]) -> list[_Job]:
        """Return the jobs that a query finds, without those that this version cannot read. These are logged once."""
        found = []
        with self._engine.connect() as connection:
            for row in connection.execute(query).mappings():
                try:
                    found.append(read(row))
                except UnreadableJob as error:
                    if row["id"] not in self._unreadable:
                        logger.error("%s", error)
                    self._unreadable.add(row["id"])
        return found


def count_jobs(connection: sa.Connection, states: Sequence[JobState], owner: str | None) -> int:
    """Return how many jobs are in the given states, of all owners or of one, within the caller's transaction."""
    query = sa.select(sa.func.count()).select_from(jobs).where(jobs.c.state.in_(states))
    return connection.scalar(query if owner is None else query.where(jobs.c.owner == owner)) or 0


def summary_of(job: ListedJob) -> JobSummary:
    """Return what lists show of a job."""
    return JobSummary(**_public(job), drawing_count=job.drawing_count)


def _public(job: ListedJob) -> dict[str, Any]:
    """Return the fields that the status and the summary of a job share."""
    names = (
        *("id", "name", "state", "preset", "frame_start", "frame_end", "segments_done", "segments_total", "progress"),
        *("created", "problem", "owner", "priority", "queue", "finished"),
    )
    return {name: getattr(job, name) for name in names} | {"eta_seconds": job.eta(time.time())}
