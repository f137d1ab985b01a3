# SPDX-License-Identifier: GPL-3.0-or-later
"""Heartbeats of the workers: which workers are alive, and whose jobs must be recovered.

A worker is dead when its heartbeat has not changed for a while, measured by the monotonic clock of whoever looks. A
clock that is set back or forward thus neither keeps a dead worker alive nor kills a living one.
"""

import platform
import threading
import time
from collections.abc import Callable, Iterable
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
    """The rows of the workers, and since when each has been silent. clock: a monotonic clock in seconds."""

    def __init__(self, engine: sa.Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[float, float]] = {}  # the last heartbeat of each worker, and when it was new here

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
            for row in self._silent(connection.execute(sa.select(workers)).all()):
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
        # Who has just begun to look does not know how long a row has been there; its time then tells.
        is_recent = (workers.c.beat >= now() - SILENCE_SECONDS).label("is_recent")
        with self._engine.connect() as connection:
            query = sa.select(workers, is_recent).order_by(workers.c.device, workers.c.id)
            rows = connection.execute(query).all()
        dead = {row.id for row in self._silent(rows)}
        return [
            Worker(row.id, row.host, Device(row.device, row.title, row.memory_total, row.memory_free))
            for row in rows
            if row.is_recent and row.id not in dead
        ]

    def devices(self) -> tuple[str, ...]:
        """Return the device classes that live workers serve."""
        return tuple(sorted({worker.device.kind for worker in self.alive()}))

    def _silent(self, rows: Iterable[sa.Row[*tuple[object, ...]]]) -> list[sa.Row[*tuple[object, ...]]]:
        """Return those of the rows of all workers whose heartbeat is zero or has not changed for SILENCE_SECONDS."""
        moment, silent, seen = self._clock(), [], {}
        with self._lock:
            for row in rows:
                beat, since = self._seen.get(row.id, (None, moment))
                seen[row.id] = (row.beat, since if beat == row.beat else moment)
                if row.beat == 0 or moment - seen[row.id][1] >= SILENCE_SECONDS:
                    silent.append(row)
            self._seen = seen
        return silent
