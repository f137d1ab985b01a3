# SPDX-License-Identifier: GPL-3.0-or-later
"""One round of a campaign: shots are sent and processes are killed. At the end, everything must be the same as without
the kills."""

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from server.config import Config

from .checks import check_job, check_store, check_work, runs
from .client import Client, plan
from .house import House, wait_for
from .program import SILENCE_SECONDS
from .shots import draw_shot

KINDS = ("worker", "server", "both", "group")
"""The kinds of faults. A separate worker may also stop until it counts as dead, and then continue (`stall`). A database
server may drop its `connections`."""
LEAST_FAULTS, MOST_FAULTS = 3, 6
LONGEST_PAUSE_SECONDS = 10.0
"""Longest time between two faults. It is enough for a dead worker to be noticed and its job to be continued."""
FIRST_PAUSE_SECONDS = 3.0
"""Longest time before the first fault. The first shot is slow and takes longer than that."""
LONGEST_OUTAGE_SECONDS = 1.5
ROUND_SECONDS = 240.0


@dataclass
class Result:
    """The results of some rounds.

    faults: by kind. resumes: jobs that a worker continued. again: segments that were started more than once.
    set_aside: jobs that lost two workers in one segment, and were tried again. wrong: errors that were found.
    """

    rounds: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    jobs: int = 0
    segments: int = 0
    again: int = 0
    events: int = 0
    blobs: int = 0
    resumes: int = 0
    cancels: int = 0
    set_aside: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, other: Any) -> None:
        """Add the rounds of another result."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


def run_round(
    folder: Path, seed: int, database: str = "", faults: int | None = None, jobs: int | None = None
) -> Result:
    """Run the round that `seed` stands for, with its files in `folder`.

    faults, jobs: how many; random numbers when left out.
    """
    rng = random.Random(seed)
    data = folder / f"round-{seed}"
    data.mkdir()
    supervised = rng.random() < 0.5
    workers = rng.choice((1, 2))
    count = rng.randint(LEAST_FAULTS, MOST_FAULTS) if faults is None else faults
    jobs = rng.randint(3, 4) if jobs is None else jobs
    shots = [draw_shot(seed * 1000 + number, slow=number == 0 or rng.random() < 0.6) for number in range(jobs)]
    kinds = (*KINDS, *([] if supervised else ["stall"]), *(["connections"] if database else []))
    result = Result(rounds=1, jobs=len(shots))
    with House(data, folder / f"round-{seed}.log", workers, supervised, database) as house:
        client = Client(house.url, plan(shots, rng), ROUND_SECONDS)
        house.start()
        client.start()
        for number in range(count):
            _pause(client, rng.uniform(0.2, LONGEST_PAUSE_SECONDS if number else FIRST_PAUSE_SECONDS))
            if not client.is_busy:
                break
            kind = rng.choice(kinds)
            if kind == "worker":
                wait_for(lambda: house.has_worker or not client.is_busy, "a worker")
            if kind == "stall":
                happened = house.stall(SILENCE_SECONDS + 1.5)
            else:
                happened = drop_connections(database) if kind == "connections" else house.kill(kind)
            result.faults += Counter({kind: int(happened)})  # without those that met nobody
            time.sleep(rng.uniform(0, LONGEST_OUTAGE_SECONDS))
            house.start()
        while client.is_busy:  # a process that lost its database while it started ends, and is started again
            house.start()
            time.sleep(0.5)
        client.join()
        result.wrong += client.wrong
        for submission in client.submissions:
            result.wrong += [*check_job(client, submission), *check_work(data, submission)]
            messages = [event["message"] for _, event in submission.events]
            result.resumes += sum("last finished segment" in message for message in messages)
            result.resumes += sum("could not continue" in message for message in messages)
            result.events += len(messages)
            result.cancels += submission.cancels
            result.set_aside += submission.set_aside
        codes = house.stop()
        if any(codes):
            result.wrong.append(f"processes that were asked to end did so with {codes}")
        result.wrong += [f"orphan: {orphan}" for orphan in house.orphans()]
    begun = runs(data)
    result.segments, result.again = len(begun), sum(count > 1 for count in begun.values())
    result.blobs = len(client.stored)
    result.wrong += check_store(Config(data, database=database), client)
    result.wrong = [f"round {seed}: {sentence}" for sentence in result.wrong]
    return result


def drop_connections(database: str) -> bool:
    """Cut every connection to a PostgreSQL database, like its restart. Returns whether there was one."""
    name = database.rpartition("/")[2]
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
    with psycopg.connect(database, autocommit=True) as connection:
        return bool(connection.execute(cut, [name]).fetchall())


def _pause(client: Client, seconds: float) -> None:
    end = time.monotonic() + seconds
    while client.is_busy and time.monotonic() < end:
        time.sleep(0.02)
