# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of jobs and their status. It only reads; `job_changes` writes."""

import time
from collections.abc import Collection, Sequence

import sqlalchemy as sa

from shared.status import FINAL_STATES, JobState, JobStatus

from .database import batches
from .job import ACTIVE_STATES, Job, UnknownJob, job_of_row
from .tables import events, frames, jobs


class Catalogue:
    """Reads the jobs."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def job(self, job: str) -> Job:
        """Return a job. Raises UnknownJob."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(jobs).where(jobs.c.id == job)).mappings().first()
        if row is None:
            raise UnknownJob(job)
        return job_of_row(row)

    def jobs(self, owner: str | None = None, states: Sequence[JobState] = (), limit: int | None = None) -> list[Job]:
        """Return the jobs, newest first, optionally only those of an owner or in some states, at most `limit`."""
        query = sa.select(jobs).order_by(jobs.c.created.desc(), jobs.c.id).limit(limit)
        if owner is not None:
            query = query.where(jobs.c.owner == owner)
        if states:
            query = query.where(jobs.c.state.in_(states))
        return self._jobs(query)

    def stalled(self, seconds: float) -> list[Job]:
        """Return the waiting jobs whose last event is more than `seconds` ago."""
        latest = sa.select(sa.func.max(events.c.time)).where(events.c.job == jobs.c.id).scalar_subquery()
        return self._jobs(sa.select(jobs).where(jobs.c.state == "queued", latest < time.time() - seconds))

    def expired(self, seconds: float) -> list[Job]:
        """Return the jobs that ended more than `seconds` ago."""
        return self._jobs(
            sa.select(jobs).where(jobs.c.state.in_(FINAL_STATES), jobs.c.finished < time.time() - seconds)
        )

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
        return self.statuses([job])[0]

    def statuses(self, listed: Sequence[Job]) -> list[JobStatus]:
        """Return the public status of each job."""
        # A finished job has all its drawings and needs no query. Most jobs in a long list are finished.
        finished: dict[str, Collection[int]] = {job.id: range(len(job.manifest.drawings)) for job in listed}
        unfinished: dict[str, set[int]] = {job.id: set() for job in listed if job.state != "done"}
        with self._engine.connect() as connection:
            for batch in batches(list(unfinished)):
                rows = connection.execute(sa.select(frames.c.job, frames.c.drawing).where(frames.c.job.in_(batch)))
                for job, drawing in rows:
                    unfinished[job].add(drawing)
        finished |= unfinished
        return [_status(job, finished[job.id]) for job in listed]

    def _jobs(self, query: sa.Select[*tuple[object, ...]]) -> list[Job]:
        with self._engine.connect() as connection:
            return [job_of_row(row) for row in connection.execute(query).mappings()]


def count_jobs(connection: sa.Connection, states: Sequence[JobState], owner: str | None) -> int:
    """Return how many jobs are in the given states, of all owners or of one, within the caller's transaction."""
    query = sa.select(sa.func.count()).select_from(jobs).where(jobs.c.state.in_(states))
    return connection.scalar(query if owner is None else query.where(jobs.c.owner == owner)) or 0


def _status(job: Job, finished: Collection[int]) -> JobStatus:
    exposure = job.manifest.exposure
    return JobStatus(
        id=job.id,
        name=job.manifest.name,
        state=job.state,
        preset=job.manifest.preset,
        frame_start=job.manifest.frame_start,
        frame_end=job.manifest.frame_end,
        segments_done=job.segments_done,
        segments_total=job.segments_total,
        progress=job.progress,
        frames_done=tuple(frame for frame in exposure.frames if exposure.drawing_at(frame) in finished),
        created=job.created,
        eta_seconds=job.eta(time.time()),
        problem=job.problem,
        owner=job.owner,
        priority=job.priority,
        queue=job.queue,
        finished=job.finished,
    )
