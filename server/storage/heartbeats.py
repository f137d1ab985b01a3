# SPDX-License-Identifier: GPL-3.0-or-later
"""Heartbeats of the workers: who is alive, and who must be mourned."""

import time

import sqlalchemy as sa

from .database import workers

BEAT_SECONDS = 1.0
SILENCE_SECONDS = 15.0
"""A worker that was silent for so long is taken for dead. Long enough for a machine under heavy load."""


class Heartbeats:
    """The rows of the living workers."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def beat(self, worker: str, device: str) -> None:
        """Say that `worker`, which serves the device class `device`, is alive."""
        with self._engine.begin() as connection:
            known = connection.execute(sa.update(workers).where(workers.c.id == worker).values(beat=time.time()))
            if known.rowcount == 0:
                connection.execute(sa.insert(workers).values(id=worker, device=device, beat=time.time()))

    def declare_dead(self, worker: str) -> None:
        """Say that the process of `worker` has ended, so that nobody waits for its silence."""
        with self._engine.begin() as connection:
            connection.execute(sa.update(workers).where(workers.c.id == worker).values(beat=0.0))

    def leave(self, worker: str) -> None:
        """Say that `worker` ends of its own will; what it holds is free for others."""
        with self._engine.begin() as connection:
            connection.execute(sa.update(workers).where(workers.c.id == worker).values(beat=0.0, left=True))

    def claim_dead(self) -> tuple[str, bool] | None:
        """Return a dead worker whose jobs the caller must now recover, and whether it crashed; or None.

        The claim renews the dead worker's beat: if the caller dies too before `forget`, somebody
        else claims it again later, and two callers never hold the same claim.
        """
        with self._engine.begin() as connection:
            silent = sa.select(workers).where(workers.c.beat < time.time() - SILENCE_SECONDS)
            for row in connection.execute(silent).all():
                claim = sa.update(workers).where(workers.c.id == row.id, workers.c.beat == row.beat)
                if connection.execute(claim.values(beat=time.time())).rowcount == 1:
                    return row.id, not row.left
        return None

    def forget(self, worker: str) -> None:
        """Remove the row of a worker whose jobs were recovered."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(workers).where(workers.c.id == worker))

    def devices(self) -> tuple[str, ...]:
        """Return the device classes that living workers serve."""
        alive = sa.select(workers.c.device).distinct().where(workers.c.beat >= time.time() - SILENCE_SECONDS)
        with self._engine.connect() as connection:
            return tuple(sorted(connection.scalars(alive)))
