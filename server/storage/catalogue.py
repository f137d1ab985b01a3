# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue: jobs, their finished frames, and the numbered events of each job."""

import json
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import sqlalchemy as sa

from shared.codec import from_json, to_json
from shared.manifest import Priority, ShotManifest
from shared.protocol import Problem
from shared.status import FINAL_STATES, JobEvent, JobState, JobStatus

from .database import batches, events, frames, inputs, jobs, segments
from .segments import FinishedSegment, copy_segments, write_segment

ACTIVE_STATES: tuple[JobState, ...] = ("queued", "running")


class UnknownJob(LookupError):
    """There is no job of that id."""

    def __init__(self, job: str) -> None:
        super().__init__(f"There is no job {job} on this server.")


@dataclass(frozen=True)
class Job:
    """A row of the catalogue.

    crashes: how many workers died one after the other while they worked on it. fingerprint: digest of what determines
    its frames. Times are seconds since the epoch.
    """

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
    worker: str | None
    finished: float | None
    crashes: int
    owner: str
    priority: Priority
    fingerprint: str
    problem: Problem | None

    def eta(self, moment: float) -> float | None:
        """Return how many seconds are left at a moment, by the pace of the present run; None while nobody knows."""
        gained = self.progress - self.started_progress
        if self.state != "running" or self.started is None or gained <= 0:
            return None
        return (moment - self.started) * (1 - self.progress) / gained


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

    def jobs(self, owner: str | None = None, states: Sequence[JobState] = (), limit: int | None = None) -> list[Job]:
        """Return all jobs, the newest first; or those of an owner, in some states, at most so many."""
        query = sa.select(jobs).order_by(jobs.c.created.desc(), jobs.c.id).limit(limit)
        if owner is not None:
            query = query.where(jobs.c.owner == owner)
        if states:
            query = query.where(jobs.c.state.in_(states))
        with self._engine.connect() as connection:
            return [_job(row) for row in connection.execute(query).mappings()]

    def state(self, job: str) -> JobState | None:
        """Return the state of a job, or None when it was deleted."""
        with self._engine.connect() as connection:
            return connection.scalar(sa.select(jobs.c.state).where(jobs.c.id == job))

    def is_working(self, worker: str, job: str) -> bool:
        """Tell whether a job runs, and is still in the hands of `worker`."""
        query = sa.select(jobs.c.id).where(jobs.c.id == job, jobs.c.state == "running", jobs.c.worker == worker)
        with self._engine.connect() as connection:
            return connection.scalar(query) is not None

    def running_with(self, worker: str) -> list[str]:
        """Return the jobs that run in the hands of `worker`."""
        with self._engine.connect() as connection:
            held = sa.select(jobs.c.id).where(jobs.c.state == "running", jobs.c.worker == worker)
            return list(connection.scalars(held))

    def status(self, job: Job) -> JobStatus:
        """Return what the outside is told of a job."""
        return self.statuses([job])[0]

    def statuses(self, listed: Sequence[Job]) -> list[JobStatus]:
        """Return what the outside is told of some jobs."""
        # Of those that are done it is known without a look, and a long list holds little else.
        finished: dict[str, Collection[int]] = {job.id: range(len(job.manifest.drawings)) for job in listed}
        begun: dict[str, set[int]] = {job.id: set() for job in listed if job.state != "done"}
        with self._engine.connect() as connection:
            for batch in batches(list(begun)):
                rows = connection.execute(sa.select(frames.c.job, frames.c.drawing).where(frames.c.job.in_(batch)))
                for job, drawing in rows:
                    begun[job].add(drawing)
        finished |= begun
        return [_status(job, finished[job.id]) for job in listed]

    def frame_blob(self, job: str, drawing: int) -> str | None:
        """Return the address of a job's frame by drawing index; None while it is not finished."""
        query = sa.select(frames.c.blob).where(frames.c.job == job, frames.c.drawing == drawing)
        with self._engine.connect() as connection:
            return connection.scalar(query)

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

    def changes(self, after: int) -> dict[str, int]:
        """Return the jobs that changed, with the number of each one's latest event, if that is above `after`."""
        latest = sa.func.max(events.c.number).label("number")
        query = sa.select(events.c.job, latest).where(events.c.number > after)
        with self._engine.connect() as connection:
            return {row.job: row.number for row in connection.execute(query.group_by(events.c.job))}

    def latest_event(self) -> int:
        """Return the number of the latest event of all jobs, 0 when there is none."""
        with self._engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.max(events.c.number))) or 0

    def total(self) -> int:
        """Return how many jobs there are, in any state."""
        with self._engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(jobs)) or 0

    def count(self, states: Sequence[JobState], owner: str | None = None) -> int:
        """Return how many jobs are in some states, all or those of an owner."""
        query = sa.select(sa.func.count()).select_from(jobs).where(jobs.c.state.in_(states))
        with self._engine.connect() as connection:
            return connection.scalar(query if owner is None else query.where(jobs.c.owner == owner)) or 0

    def active_by_queue(self) -> dict[tuple[str, str], int]:
        """Return how many jobs wait and run, by queue and state."""
        query = sa.select(jobs.c.queue, jobs.c.state, sa.func.count()).where(jobs.c.state.in_(ACTIVE_STATES))
        with self._engine.connect() as connection:
            rows = connection.execute(query.group_by(jobs.c.queue, jobs.c.state))
            return {(queue, state): count for queue, state, count in rows}

    def quiet(self, seconds: float) -> list[Job]:
        """Return the waiting jobs to which nothing has happened for so long."""
        latest = sa.select(sa.func.max(events.c.time)).where(events.c.job == jobs.c.id).scalar_subquery()
        query = sa.select(jobs).where(jobs.c.state == "queued", latest < time.time() - seconds)
        with self._engine.connect() as connection:
            return [_job(row) for row in connection.execute(query).mappings()]

    def expired(self, seconds: float) -> list[Job]:
        """Return the jobs that ended longer ago than that."""
        query = sa.select(jobs).where(jobs.c.state.in_(FINAL_STATES), jobs.c.finished < time.time() - seconds)
        with self._engine.connect() as connection:
            return [_job(row) for row in connection.execute(query).mappings()]

    # Changing

    def add(self, connection: sa.Connection, job: str, manifest: ShotManifest, **values: object) -> None:
        """Add a queued job with further `values` of its row within the caller's transaction; raises sqlalchemy's
        IntegrityError when the id is taken."""
        row = {"id": job, "manifest": json.dumps(to_json(manifest)), "state": "queued", "created": time.time()}
        connection.execute(sa.insert(jobs).values(**row, priority=manifest.priority, **values))
        connection.execute(sa.insert(inputs), [{"job": job, "blob": blob} for blob in manifest.blobs])
        _log(connection, job, "state")

    def finish_as_twin(self, connection: sa.Connection, job: str, fingerprint: str) -> bool:
        """Finish a job that was just added with the frames of a finished one of the same fingerprint, within the
        caller's transaction; tell whether there is one."""
        done = sa.select(jobs.c.id).where(jobs.c.fingerprint == fingerprint, jobs.c.state == "done").limit(1)
        twin = connection.scalar(done.with_for_update(read=True))  # it cannot be deleted before we have its frames
        if twin is None:
            return False
        copy = sa.select(sa.literal(job), frames.c.drawing, frames.c.blob).where(frames.c.job == twin)
        connection.execute(sa.insert(frames).from_select(["job", "drawing", "blob"], copy))
        count = copy_segments(connection, twin, job)
        message = "An earlier job has the same drawings, keyframes and settings: its frames are taken."
        values = {"state": "done", "progress": 1.0, "finished": time.time()}
        values |= {"segments_done": count, "segments_total": count}
        return _change(connection, job, ("queued",), values, "state", message)

    def move(
        self,
        job: str,
        state: JobState,
        *,
        allowed: tuple[JobState, ...],
        message: str = "",
        problem: Problem | None = None,
        worker: str | None = None,
    ) -> bool:
        """Change the state of a job if it is in one of the `allowed` states; tell whether it was.

        worker: who has it in hand from now on.
        """
        values = {
            "state": state,
            "problem": None if problem is None else json.dumps(to_json(problem)),
            "worker": worker,
            "finished": time.time() if state in FINAL_STATES else None,
        }
        with self._engine.begin() as connection:
            return _change(connection, job, allowed, values, "state", message)

    def plan(self, job: str, drawings: Sequence[Sequence[int]], progress: float, message: str = "") -> None:
        """Note the drawings of each segment of a running job, and from which progress its present run begins."""
        values = {
            "segments_total": len(drawings),
            "progress": progress,
            "started": time.time(),
            "started_progress": progress,
        }
        with self._engine.begin() as connection:
            if _change(connection, job, ("running",), values, "progress", message):
                known = set(connection.scalars(sa.select(segments.c.number).where(segments.c.job == job)))
                rows = [
                    {"job": job, "number": number, "drawings": json.dumps(list(one))}
                    for number, one in enumerate(drawings)
                    if number not in known
                ]
                if rows:
                    connection.execute(sa.insert(segments), rows)

    def advance(self, job: str, progress: float) -> None:
        """Note how far a running job is, from 0 to 1."""
        with self._engine.begin() as connection:
            _change(connection, job, ("running",), {"progress": progress}, "progress")

    def tell(self, job: str, message: str) -> None:
        """Write a message about a running job into its events."""
        with self._engine.begin() as connection:
            _change(connection, job, ("running",), {"state": "running"}, "progress", message)

    def finish_segment(self, job: str, segment: FinishedSegment, progress: float, message: str = "") -> None:
        """Note that a segment of a running job is finished, with its frames."""
        with self._engine.begin() as connection:
            # Whoever finishes a segment is no danger to workers: crashes count afresh.
            values = {"segments_done": segment.number + 1, "progress": progress, "crashes": 0}
            # The job's row is changed first: a job deleted meanwhile must not get frames.
            if _change(connection, job, ("running",), values, "segment", message):
                write_segment(connection, job, segment)

    def set_priority(self, connection: sa.Connection, job: str, priority: Priority) -> bool:
        """Change the priority of a waiting job within the caller's transaction; tell whether it waits."""
        message = f"The priority is {priority} now."
        return _change(connection, job, ("queued",), {"priority": priority}, "state", message)

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
        """Remove a job and all that is known of it. Its blobs stay until they are collected: others may share them."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(jobs).where(jobs.c.id == job))
            for table in (inputs, segments, frames, events):
                connection.execute(sa.delete(table).where(table.c.job == job))


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


@lru_cache(maxsize=128)
def _manifest(text: str) -> ShotManifest:
    # Never changes once it is there, and is asked for at every look at a job.
    return from_json(ShotManifest, json.loads(text))


def _job(row: sa.RowMapping) -> Job:
    values = dict(row)
    values["manifest"] = _manifest(row["manifest"])
    values["problem"] = None if row["problem"] is None else from_json(Problem, json.loads(row["problem"]))
    return Job(**values)
