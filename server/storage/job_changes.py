# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes to a job, from queued to deleted. Each change writes an event in the same transaction."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Literal

import sqlalchemy as sa

from shared.codec import to_json
from shared.manifest import Priority, ShotManifest
from shared.protocol import Problem
from shared.status import FINAL_STATES, JobState

from .events import write_event
from .frames import copy_frames
from .segments import FinishedSegment, copy_segments, plan_segments, write_segment
from .tables import events, frames, inputs, jobs, segments


class JobChanges:
    """Changes jobs. A method that takes a connection works within the caller's transaction."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, connection: sa.Connection, job: str, manifest: ShotManifest, **values: object) -> None:
        """Add a queued job with further `values` of its row. Raises sqlalchemy's IntegrityError if the id is taken."""
        row = {
            "id": job,
            "manifest": json.dumps(to_json(manifest)),
            "state": "queued",
            "created": time.time(),
            "priority": manifest.priority,
            "name": manifest.name,
            "preset": manifest.preset,
            "frame_start": manifest.frame_start,
            "frame_end": manifest.frame_end,
            "drawing_count": len(manifest.drawings),
        }
        connection.execute(sa.insert(jobs).values(**row, **values))
        connection.execute(sa.insert(inputs), [{"job": job, "blob": blob} for blob in manifest.blobs])
        write_event(connection, job, "state")

    def finish_from_duplicate(self, connection: sa.Connection, job: str, fingerprint: str) -> bool:
        """Finish a job that was just added with the frames of a finished job that has the same fingerprint. Return
        whether there is one."""
        done = sa.select(jobs.c.id).where(jobs.c.fingerprint == fingerprint, jobs.c.state == "done").limit(1)
        # Locked, so that it cannot be deleted before its frames are copied.
        duplicate = connection.scalar(done.with_for_update(read=True))
        if duplicate is None:
            return False
        copy_frames(connection, duplicate, job)
        count = copy_segments(connection, duplicate, job)
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
        """Change the state of a job if it is in one of the `allowed` states. Return whether it was.

        worker: the worker to which the job is assigned from now on.
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
        """Record the drawings of each segment of a running job, and the progress at which its current run begins."""
        values = {
            "segments_total": len(drawings),
            "progress": progress,
            "started": time.time(),
            "started_progress": progress,
        }
        with self._engine.begin() as connection:
            if _change(connection, job, ("running",), values, "progress", message):
                plan_segments(connection, job, drawings)

    def set_progress(self, job: str, progress: float) -> None:
        """Record the progress of a running job, from 0 to 1."""
        with self._engine.begin() as connection:
            _change(connection, job, ("running",), {"progress": progress}, "progress")

    def add_message(self, job: str, message: str, kind: Literal["progress", "state"] = "progress") -> None:
        """Write a message about a running job into its events. One about its state holds until the next event."""
        with self._engine.begin() as connection:
            _change(connection, job, ("running",), {"state": "running"}, kind, message)

    def finish_segment(self, job: str, segment: FinishedSegment, progress: float, message: str = "") -> None:
        """Record that a segment of a running job is finished, with its frames."""
        with self._engine.begin() as connection:
            # A job that finishes a segment does not endanger workers, so its crash count starts at zero again.
            done = segment.number + 1  # fewer than before if a segment whose bytes were lost is colored again
            most = sa.case((jobs.c.segments_done > done, jobs.c.segments_done), else_=done)
            values = {"segments_done": most, "progress": progress, "crashes": 0}
            # The job's row is changed first, because a job that was deleted in the meantime must not get frames.
            if _change(connection, job, ("running",), values, "segment", message):
                write_segment(connection, job, segment)

    def reopen(self, connection: sa.Connection, job: str, segment: int, lost: Sequence[int]) -> bool:
        """Queue a job that is done again from `segment`, without the frames of the drawings whose bytes are `lost`.
        Return whether it was done."""
        values = {"state": "queued", "segments_done": segment, "finished": None, "crashes": 0}
        message = f"The store lost {len(lost)} frames of this job: they are colored again."
        if not _change(connection, job, ("done",), values, "state", message):
            return False
        connection.execute(sa.delete(frames).where(frames.c.job == job, frames.c.drawing.in_(lost)))
        return True

    def set_priority(self, connection: sa.Connection, job: str, priority: Priority) -> bool:
        """Change the priority of a waiting job. Return whether it was waiting."""
        message = f"The priority is {priority} now."
        return _change(connection, job, ("queued",), {"priority": priority}, "state", message)

    def count_crash(self, job: str) -> int:
        """Record that a worker died while it worked on this job. Return how many did."""
        with self._engine.begin() as connection:
            connection.execute(sa.update(jobs).where(jobs.c.id == job).values(crashes=jobs.c.crashes + 1))
            return connection.scalar(sa.select(jobs.c.crashes).where(jobs.c.id == job)) or 0

    def reset_crashes(self, job: str) -> None:
        """Reset the crash count, when a user requests another try."""
        with self._engine.begin() as connection:
            connection.execute(sa.update(jobs).where(jobs.c.id == job).values(crashes=0))

    def delete(self, job: str) -> None:
        """Remove a job and all its records. Its blobs stay until they are collected, because others may share them."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(jobs).where(jobs.c.id == job))
            for table in (inputs, segments, frames, events):
                connection.execute(sa.delete(table).where(table.c.job == job))


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
    write_event(connection, job, kind, message)
    return True
