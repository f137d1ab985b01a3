# SPDX-License-Identifier: GPL-3.0-or-later
"""Segments of jobs: the planned ones, and the results of finished ones. A finished segment serves every job that needs
the same one."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from .tables import blobs, frames, segments


@dataclass(frozen=True)
class FinishedSegment:
    """A finished segment, colored for this job or reused from another.

    key: digest of everything that determines it, by which other jobs find it; None if a correction colors some of its
    drawings again, so that their frames are not kept. frames: addresses by drawing index. state: address of the data
    that later segments need. guesses: share of the picture whose color is a guess, by drawing. begun, finished: when it
    was colored, in seconds since the epoch. reused: whether it was colored for another job.
    """

    number: int
    key: str | None
    frames: Mapping[int, str]
    state: str
    guesses: Mapping[int, float]
    begun: float
    finished: float
    reused: bool = False


@dataclass(frozen=True)
class SegmentRow:
    """A segment in the catalogue. Times are None until they are known. guesses: as in FinishedSegment."""

    number: int
    drawings: tuple[int, ...]
    begun: float | None
    finished: float | None
    reused: bool
    guesses: Mapping[int, float]


class Segments:
    """Reads the segments of all jobs."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def of(self, job: str) -> list[SegmentRow]:
        """Return the segments of a job in the order of work. There are none before its first run."""
        query = sa.select(segments).where(segments.c.job == job).order_by(segments.c.number)
        with self._engine.connect() as connection:
            return [
                SegmentRow(
                    row.number,
                    tuple(json.loads(row.drawings)),
                    row.begun,
                    row.finished,
                    row.reused,
                    _guesses(row.guesses),
                )
                for row in connection.execute(query)
            ]

    def first_lost(self, job: str, drawings: Collection[int]) -> int:
        """Return the number of the first segment of a job that has one of these drawings, or whose state the store
        lost; 0 if there is none."""
        lost = sa.select(segments.c.number).join_from(segments, blobs, segments.c.state == blobs.c.address)
        with self._engine.connect() as connection:
            numbers = set(connection.scalars(lost.where(segments.c.job == job, blobs.c.lost)))
        numbers |= {segment.number for segment in self.of(job) if not set(drawings).isdisjoint(segment.drawings)}
        return min(numbers, default=0)

    def find(self, key: str, job: str, number: int, drawings: Sequence[int]) -> FinishedSegment | None:
        """Return a finished segment with this key as segment `number` of `job`, which has `drawings`; or None."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(segments).where(segments.c.key == key).limit(1)).first()
            if row is None:
                return None
            blobs = sa.select(frames).where(frames.c.job == row.job)
            found = {frame.drawing: frame.blob for frame in connection.execute(blobs)}
        theirs = json.loads(row.drawings)
        if not found.keys() >= set(theirs):
            return None  # it was deleted between the two queries
        own = dict(zip(theirs, drawings, strict=True))
        taken = {own[drawing]: found[drawing] for drawing in theirs}
        guesses = {own[drawing]: share for drawing, share in _guesses(row.guesses).items()}
        return FinishedSegment(number, key, taken, row.state, guesses, row.begun, row.finished, row.job != job)


def _guesses(column: str | None) -> dict[int, float]:
    return {int(drawing): share for drawing, share in json.loads(column or "{}").items()}


def plan_segments(connection: sa.Connection, job: str, drawings: Sequence[Sequence[int]]) -> None:
    """Record the drawings of each segment of a job, by number, unless they are already recorded. Segments of another
    plan, which an earlier version of the server made, are forgotten."""
    own = segments.c.job == job
    planned = {number: json.dumps(list(drawn)) for number, drawn in enumerate(drawings)}
    known = {row.number: row.drawings for row in connection.execute(sa.select(segments).where(own))}
    if outdated := [number for number, drawn in known.items() if planned.get(number) != drawn]:
        connection.execute(sa.delete(segments).where(own, segments.c.number.in_(outdated)))
    rows = [
        {"job": job, "number": number, "drawings": drawn}
        for number, drawn in planned.items()
        if known.get(number) != drawn
    ]
    if rows:
        connection.execute(sa.insert(segments), rows)


def write_segment(connection: sa.Connection, job: str, segment: FinishedSegment) -> None:
    """Record a finished segment and its frames."""
    row = {
        "key": segment.key,
        "state": segment.state,
        "guesses": json.dumps(segment.guesses),
        "begun": segment.begun,
        "finished": segment.finished,
        "reused": segment.reused,
    }
    own = (segments.c.job == job, segments.c.number == segment.number)
    connection.execute(sa.update(segments).where(*own).values(**row))
    drawings = list(segment.frames)
    connection.execute(sa.delete(frames).where(frames.c.job == job, frames.c.drawing.in_(drawings)))
    rows = [{"job": job, "drawing": drawing, "blob": blob} for drawing, blob in segment.frames.items()]
    if rows:
        connection.execute(sa.insert(frames), rows)


def copy_segments(connection: sa.Connection, source: str, target: str) -> int:
    """Give a job the segments of another. Return how many there are."""
    names = [column.name for column in segments.columns if column.name not in ("job", "reused")]
    columns = [segments.c[name] for name in names]
    rows = sa.select(sa.literal(target), sa.true(), *columns).where(segments.c.job == source)
    return connection.execute(sa.insert(segments).from_select(["job", "reused", *names], rows)).rowcount
