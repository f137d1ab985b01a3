# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock is set back or forward while jobs run: dead workers are noticed, living ones are not taken for dead."""

import random
import time
from collections.abc import Iterator

from tests.faults.checks import check_work, runs
from tests.faults.client import Submission
from tests.faults.program import SILENCE_SECONDS

from .studio import Studio

HOUR = 3600.0
STEPS = (-48 * HOUR, -2 * HOUR, -60.0, 60.0, 2 * HOUR, 48 * HOUR)
NOTICED_SECONDS = 60.0
"""How long it may take until a dead worker's job is done, with the rest of its own time."""
SEGMENTS = 4


def strike(studio: Studio, rng: random.Random) -> Iterator[str]:
    """Set the clock while a job runs; then again, and kill its worker and whoever supervises it."""
    yield from _living(studio, rng)
    yield from _dead(studio, rng)


def _living(studio: Studio, rng: random.Random) -> Iterator[str]:
    client = studio.client(studio.new_shots(slow=True), rng)
    client.start()
    submission = client.submissions[0]
    _wait_for_first(studio, submission)
    with studio.clock_set(rng.choice(STEPS)):
        time.sleep(SILENCE_SECONDS + 1)
    yield from studio.finish(client)
    yield from check_work(studio.database.data, submission)
    begun = runs(studio.database.data)
    again = [index for index in range(SEGMENTS) if begun[submission.shot.manifest.seed, index] > 1]
    if again:
        yield f"a living worker was taken for dead: segments {again} of {submission.job} were colored twice"


def _dead(studio: Studio, rng: random.Random) -> Iterator[str]:
    client = studio.client(studio.new_shots(slow=True), rng, server=1)
    submission = client.submissions[0]
    client.start()
    _wait_for_first(studio, submission)
    step = rng.choice(STEPS)
    worker = str(studio.database.run("SELECT worker FROM jobs WHERE id = :job", job=submission.job)[0][0])
    with studio.clock_set(step):
        # Nobody is left who could say that it has ended.
        if worker.startswith("faults-"):
            studio.houses[1].kill("worker")
        else:
            studio.houses[0].kill("group")
        studio.counts["workers killed silently"] += 1
        end = time.monotonic() + NOTICED_SECONDS
        while client.is_busy and time.monotonic() < end:
            time.sleep(0.1)
        if client.is_busy:
            yield f"a dead worker is taken for alive after the clock was set by {step / HOUR:g} h"
    studio.start()
    yield from studio.finish(client)


def _wait_for_first(studio: Studio, submission: Submission) -> None:
    """Wait until a segment of a job is done, so that a worker is in the middle of it."""
    studio.wait(lambda: submission.segments_done[-1:] >= [1], 60)
