# SPDX-License-Identifier: GPL-3.0-or-later
"""Heartbeats of the workers: which workers are alive, and whose jobs must be recovered."""

import platform
from dataclasses import dataclass

import sqlalchemy as sa

from .database import now
from .tables import workers

BEAT_SECONDS = 1.0
SILENCE_SECONDS = 15.0
"""A worker that has been silent for this long is considered dead. It is long enough for a machine under heavy load."""


@dataclass(frozen=True)
class Device:
    """The device that a worker computes on.

    kind: the class of devices whose queue it serves. title: its display name. Memory is in bytes, for a GPU the GPU's
    own memory.
    """

    kind: str
    title: str = ""
    memory_total: int = 0
    memory_free: int = 0


@dataclass(frozen=True)
class Worker:
    """A live worker and where it runs."""

    id: str
    host: str
    device: Device


class Heartbeats:
    """The rows of the live workers. Times come from the database, because the clocks of machines differ."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def beat(self, worker: str, device: Device) -> None:
        """Record that `worker`, which computes on `device`, is alive."""
        present = {"title": device.title, "memory_total": device.memory_total, "memory_free": device.memory_free}
        with self._engine.begin() as connection:
            own = sa.update(workers).where(workers.c.id == worker)
            if connection.execute(own.values(beat=now(), **present)).rowcount == 0:
                row = {"id": worker, "device": device.kind, "host": platform.node(), "beat": now()}
                connection.execute(sa.insert(workers).values(**row, **present))

    def declare_dead(self, worker: str) -> None:
        """Record that the process of `worker` has ended, so that nobody waits for the timeout."""
        with self._engine.begin() as connection:
            connection.execute(sa.update(workers).where(workers.c.id == worker).values(beat=0.0))

    def leave(self, worker: str) -> None:
        """Record that `worker` ends voluntarily, and that others may take its jobs."""
        with self._engine.begin() as connection:
            connection.execute(sa.update(workers).where(workers.c.id == worker).values(beat=0.0, left=True))

    def claim_dead(self) -> tuple[str, bool] | None:
        """Return a dead worker whose jobs the caller must now recover, and whether it crashed; or None.

        The claim renews the dead worker's heartbeat. If the caller also dies before `forget`, another worker claims it
        later, and two callers never hold the same claim.
        """
        with self._engine.begin() as connection:
            silent = sa.select(workers).where(workers.c.beat < now() - SILENCE_SECONDS)
            for row in connection.execute(silent).all():
                claim = sa.update(workers).where(workers.c.id == row.id, workers.c.beat == row.beat)
                if connection.execute(claim.values(beat=now())).rowcount == 1:
                    return row.id, not row.left
        return None

    def forget(self, worker: str) -> None:
        """Remove the row of a worker whose jobs were recovered."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(workers).where(workers.c.id == worker))

    def alive(self) -> list[Worker]:
        """Return the live workers, by device and name."""
        query = sa.select(workers).where(workers.c.beat >= now() - SILENCE_SECONDS)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(workers.c.device, workers.c.id)).all()
        return [
            Worker(row.id, row.host, Device(row.device, row.title, row.memory_total, row.memory_free)) for row in rows
        ]

    def devices(self) -> tuple[str, ...]:
        """Return the device classes that live workers serve."""
        return tuple(sorted({worker.device.kind for worker in self.alive()}))
