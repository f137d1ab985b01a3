# SPDX-License-Identifier: GPL-3.0-or-later
"""A job as stored in the database."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import sqlalchemy as sa

from shared.codec import from_json
from shared.manifest import Priority, ShotManifest
from shared.protocol import Problem, ProtocolError
from shared.status import JobState

ACTIVE_STATES: tuple[JobState, ...] = ("queued", "running")


class UnknownJob(LookupError):
    """There is no job with this id."""

    def __init__(self, job: str) -> None:
        super().__init__(f"There is no job {job} on this server.")


class UnreadableJob(ValueError):
    """The row of a job was written by another version of the server, or is damaged."""

    def __init__(self, job: str, why: str) -> None:
        super().__init__(
            f"This server cannot read job {job}, which another version wrote or a fault damaged ({why}): ask whoever "
            "runs the server."
        )


@dataclass(frozen=True)
class ListedJob:
    """A row of the catalogue without its manifest, which can be long, as lists show it.

    crashes: how many workers in a row died while they worked on it. fingerprint: digest of everything that determines
    its frames. Times are seconds since the epoch.
    """

    id: str
    name: str
    preset: str
    frame_start: int
    frame_end: int
    drawing_count: int
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
        """Return how many seconds are left at `moment`, at the pace of the current run, or None if it is unknown."""
        gained = self.progress - self.started_progress
        if self.state != "running" or self.started is None or gained <= 0:
            return None
        return (moment - self.started) * (1 - self.progress) / gained


@dataclass(frozen=True)
class Job(ListedJob):
    """A row of the catalogue."""

    manifest: ShotManifest


def job_of_row(row: sa.RowMapping) -> Job:
    """Return the job of a row of the table. Raises UnreadableJob."""
    with _readable(row):
        return Job(**vars(listed_job_of_row(row)) | {"manifest": _manifest(row["manifest"])})


def listed_job_of_row(row: sa.RowMapping) -> ListedJob:
    """Return the job of a row of the table that may lack the manifest. Raises UnreadableJob."""
    with _readable(row):
        values = {name: value for name, value in row.items() if name != "manifest"}
        values["problem"] = None if row["problem"] is None else from_json(Problem, json.loads(row["problem"]))
        return ListedJob(**values)


@contextmanager
def _readable(row: sa.RowMapping) -> Iterator[None]:
    """Raise UnreadableJob for what is not as this version writes it."""
    try:
        yield
    except UnreadableJob:
        raise
    except (ProtocolError, ValueError, TypeError) as error:
        raise UnreadableJob(row["id"], str(error)) from error


@lru_cache(maxsize=128)
def _manifest(text: str) -> ShotManifest:
    # A manifest never changes, and every read of a job needs it.
    return from_json(ShotManifest, json.loads(text))
