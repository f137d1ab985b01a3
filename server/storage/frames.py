# SPDX-License-Identifier: GPL-3.0-or-later
"""Finished frames: which blob is the image of which drawing of a job."""

import sqlalchemy as sa

from .job import Job
from .tables import blobs, frames


class Frames:
    """Reads the finished frames of all jobs."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def blob(self, job: str, drawing: int) -> str | None:
        """Return the address of a job's frame by drawing index, or None if it is not finished."""
        query = sa.select(frames.c.blob).where(frames.c.job == job, frames.c.drawing == drawing)
        with self._engine.connect() as connection:
            return connection.scalar(query)

    def blobs(self, job: str) -> dict[int, str]:
        """Return the addresses of a job's finished frames by drawing index."""
        query = sa.select(frames.c.drawing, frames.c.blob).where(frames.c.job == job)
        with self._engine.connect() as connection:
            return {row.drawing: row.blob for row in connection.execute(query)}

    def shown(self, job: Job) -> list[tuple[int, str]]:
        """Return the frames of a job that are finished and the addresses of their images, in order."""
        exposure, blobs = job.manifest.exposure, self.blobs(job.id)
        drawn = ((frame, exposure.drawing_at(frame)) for frame in exposure.frames)
        return [(frame, blobs[drawing]) for frame, drawing in drawn if drawing in blobs]

    def lost(self, job: str) -> list[int]:
        """Return the drawings of a job whose frames were finished, but are lost or damaged in the store."""
        query = sa.select(frames.c.drawing).join_from(frames, blobs, frames.c.blob == blobs.c.address)
        with self._engine.connect() as connection:
            return list(connection.scalars(query.where(frames.c.job == job, blobs.c.lost)))


def copy_frames(connection: sa.Connection, source: str, target: str) -> None:
    """Give a job the frames of another, within the caller's transaction."""
    rows = sa.select(sa.literal(target), frames.c.drawing, frames.c.blob).where(frames.c.job == source)
    connection.execute(sa.insert(frames).from_select(["job", "drawing", "blob"], rows))
