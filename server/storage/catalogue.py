# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue: jobs, their finished frames, and the numbered events of each job."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from shared.protocol import (
    JobEvent,
    JobState,
    JobStatus,
    Problem,
    ShotManifest,
    from_json,
    to_json,
)

from .database import events, frames, jobs

ACTIVE_STATES: tuple[JobState, ...] = ("queued", "running")


class UnknownJob(LookupError):
    """There is no job of that id."""

    def __init__(self, job: str) -> None:
        super().__init__(f"There is no job {job} on this server.")


@dataclass(frozen=True)
class Job:
    """A row of the catalogue. crashes: how many workers died while they worked on it."""

    id: str
    manifest: ShotManifest
    queue: str
    state: JobState
    segments_done: int
    segments_total: int
    progress: float
    created: float
    started: float | None
    started_progress: float
    crashes: int
    problem: Problem | None


class Catalogue:
    """What is known of the jobs. Every change of a job writes an event in the same transaction."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    # Reading

    def job(self, job: str) -> Job:
        """Return a job; raises UnknownJob."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(jobs).where(jobs.c.id == job)).mappings().first()
        if row is None:
            raise UnknownJob(job)
        return _job(row)

    def jobs(self) -> list[Job]:
        """Return all jobs, the newest first."""
        with self._engine.connect() as connection:
            return [_job(row) for row in connection.execute(sa.select(jobs).order_by(jobs.c.created.desc())).mappings()]

    def state(self, job: str) -> JobState | None:
        """Return the state of a job, or None when it was deleted."""
        with self._engine.connect() as connection:
            return connection.scalar(sa.select(jobs.c.state).where(jobs.c.id == job))

    def status(self, job: Job) -> JobStatus:
        """Return what the outside is told of a job."""
        exposure = job.manifest.exposure
        finished = self.frame_blobs(job.id)
        eta = None
        gained = job.progress - job.started_progress
        if job.state == "running" and job.started is not None and gained > 0:
            eta = (time.time() - job.started) * (1 - job.progress) / gained
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
            eta_seconds=eta,
            problem=job.problem,
        )

    def frame_blobs(self, job: str) -> dict[int, str]:
        """Return the addresses of a job's finished frames by drawing index."""
        query = sa.select(frames.c.drawing, frames.c.blob).where(frames.c.job == job)
        with self._engine.connect() as connection:
            return {row.drawing: row.blob for row in connection.execute(query)}

    def events(self, job: str, after: int = 0) -> list[JobEvent]:
        """Return the events of a job with numbers above `after`, oldest first."""
        columns = [column for column in events.c if column is not events.c.job]
        query = sa.select(*columns).where(events.c.job == job, events.c.number > after).order_by(events.c.number)
        with self._engine.connect() as connection:
            return [JobEvent(**row) for row in connection.execute(query).mappings()]

    def queue_length(self) -> int:
        """Return how many jobs wait or run."""
        query = sa.select(sa.func.count()).select_from(jobs).where(jobs.c.state.in_(ACTIVE_STATES))
        with self._engine.connect() as connection:
            return connection.scalar(query) or 0

    # Changing

    def add(self, connection: sa.Connection, job: str, manifest: ShotManifest, queue: str) -> None:
        """Add a queued job within the caller's transaction; raises sqlalchemy's IntegrityError when the id is taken."""
        row = {"id": job, "manifest": json.dumps(to_json(manifest)), "queue": queue, "state": "queued"}
        connection.execute(sa.insert(jobs).values(**row, created=time.time()))
        _log(connection, job, "state")

    def move(
        self,
        job: str,
        state: JobState,
        *,
        allowed: tuple[JobState, ...],
        message: str = "",
        problem: Problem | None = None,
    ) -> bool:
        """Change the state of a job if it is in one of the `allowed` states; tell whether it was."""
        values = {"state": state, "problem": None if problem is None else json.dumps(to_json(problem))}
        with self._engine.begin() as connection:
            return _change(connection, job, allowed, values, "state", message)

    def plan(self, job: str, segments_total: int, progress: float, message: str = "") -> None:
        """Note how many segments a running job has, and from which progress its present run begins."""
        values = {
            "segments_total": segments_total,
            "progress": progress,
            "started": time.time(),
            "started_progress": progress,
        }
        with self._engine.begin() as connection:
            _change(connection, job, ("running",), values, "progress", message)

    def advance(self, job: str, progress: float) -> None:
        """Note how far a running job is, from 0 to 1."""
        with self._engine.begin() as connection:
            _change(connection, job, ("running",), {"progress": progress}, "progress")

    def finish_segment(
        self, job: str, index: int, progress: float, blobs: Mapping[int, str], message: str = ""
    ) -> None:
        """Note that segment `index` of a running job is finished, with its frames' addresses by drawing index."""
        with self._engine.begin() as connection:
            values = {"segments_done": index + 1, "progress": progress}
            # The job's row is changed first: a job deleted meanwhile must not get frames.
            if _change(connection, job, ("running",), values, "segment", message):
                connection.execute(sa.delete(frames).where(frames.c.job == job, frames.c.drawing.in_(list(blobs))))
                rows = [{"job": job, "drawing": drawing, "blob": blob} for drawing, blob in blobs.items()]
                connection.execute(sa.insert(frames), rows)

    def count_crash(self, job: str) -> int:
        """Note that a worker died with this job in its hands; return how many did."""
        with self._engine.begin() as connection:
            connection.execute(sa.update(jobs).where(jobs.c.id == job).values(crashes=jobs.c.crashes + 1))
            return connection.scalar(sa.select(jobs.c.crashes).where(jobs.c.id == job)) or 0

    def forgive_crashes(self, job: str) -> None:
        """Start counting crashes afresh, when somebody asks for another try."""
        with self._engine.begin() as connection:
            connection.execute(sa.update(jobs).where(jobs.c.id == job).values(crashes=0))

    def delete(self, job: str) -> None:
        """Remove a job and all that is known of it. Its blobs stay: other jobs may share them."""
        with self._engine.begin() as connection:
            for table, column in ((jobs, jobs.c.id), (frames, frames.c.job), (events, events.c.job)):
                connection.execute(sa.delete(table).where(column == job))


def _change(
    connection: sa.Connection,
    job: str,
    allowed: tuple[JobState, ...],
    values: Mapping[str, object],
    kind: str,
    message: str = "",
) -> bool:
    update = sa.update(jobs).where(jobs.c.id == job, jobs.c.state.in_(allowed)).values(**values)
    if connection.execute(update).rowcount == 0:
        return False
    _log(connection, job, kind, message)
    return True


def _log(connection: sa.Connection, job: str, kind: str, message: str = "") -> None:
    """Write an event with the job's present numbers."""
    present = ("state", "segments_done", "segments_total", "progress")
    row = sa.select(
        sa.literal(job),
        sa.literal(time.time()),
        sa.literal(kind),
        sa.literal(message),
        *(jobs.c[name] for name in present),
    ).where(jobs.c.id == job)
    connection.execute(sa.insert(events).from_select(["job", "time", "kind", "message", *present], row))


def _job(row: sa.RowMapping) -> Job:
    values = dict(row)
    values["manifest"] = from_json(ShotManifest, json.loads(row["manifest"]))
    values["problem"] = None if row["problem"] is None else from_json(Problem, json.loads(row["problem"]))
    return Job(**values)
