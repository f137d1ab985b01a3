# SPDX-License-Identifier: GPL-3.0-or-later
"""Leases of workers are measured by a monotonic clock: steps of the database's clock change nothing."""

import pytest
import sqlalchemy as sa

from server.storage.heartbeats import SILENCE_SECONDS, Device, Heartbeats
from server.storage.tables import workers

HOUR = 3600.0


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """The clock of whoever looks."""
    return Clock()


@pytest.fixture
def heartbeats(engine: sa.Engine, clock: Clock) -> Heartbeats:
    """The heartbeats as one process sees them."""
    return Heartbeats(engine, clock)


def step(engine: sa.Engine, seconds: float) -> None:
    """Set the database's clock forward, as far as the workers' last heartbeats can tell; a negative number sets it
    back."""
    with engine.begin() as connection:
        connection.execute(sa.update(workers).values(beat=workers.c.beat - seconds))


@pytest.mark.parametrize("hours", [-2, 0])
def test_a_worker_that_is_silent_is_dead_also_after_the_clock_was_set_back(
    engine: sa.Engine, heartbeats: Heartbeats, clock: Clock, hours: float
) -> None:
    heartbeats.beat("w", Device("cpu"))
    step(engine, hours * HOUR)
    assert [worker.id for worker in heartbeats.alive()] == ["w"] and heartbeats.claim_dead() is None
    clock.seconds += SILENCE_SECONDS
    assert not heartbeats.alive()
    assert heartbeats.claim_dead() == ("w", True)
    assert heartbeats.claim_dead() is None, "the claim is the caller's"
    heartbeats.forget("w")


def test_a_worker_that_beats_lives_also_after_the_clock_was_set_forward(
    engine: sa.Engine, heartbeats: Heartbeats, clock: Clock
) -> None:
    for _ in range(5):
        heartbeats.beat("w", Device("cpu"))
        step(engine, 2 * HOUR)
        clock.seconds += SILENCE_SECONDS - 1
        assert heartbeats.claim_dead() is None
        step(engine, -1)


def test_two_that_look_do_not_recover_the_same_worker(engine: sa.Engine, clock: Clock) -> None:
    both = [Heartbeats(engine, clock) for _ in range(2)]
    both[0].beat("w", Device("cpu"))
    assert [one.claim_dead() for one in both] == [None, None]
    clock.seconds += SILENCE_SECONDS
    assert [one.claim_dead() for one in both] == [("w", True), None]
    clock.seconds += SILENCE_SECONDS
    assert both[1].claim_dead() == ("w", True), "the first died before it was done"


def test_a_worker_whose_end_is_known_is_dead_at_once(heartbeats: Heartbeats) -> None:
    for leave in (heartbeats.declare_dead, heartbeats.leave):
        heartbeats.beat("w", Device("cpu"))
        leave("w")
        assert not heartbeats.alive()
        assert heartbeats.claim_dead() is not None
        heartbeats.forget("w")
