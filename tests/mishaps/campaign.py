# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole run: mishaps of each kind in turn on one studio, until the rounds or the time are over."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from server.config import REPOSITORY
from tests.faults.client import GaveUp
from tests.faults.house import free_port
from tests.postgresql import run_postgresql

from . import (
    clock_steps,
    damage,
    foreign_files,
    outages,
    schemas,
    second_databases,
    slow_clients,
    unread_streams,
)
from .databases import Database
from .stores import BucketStore, FolderStore, Moto, Store
from .studio import Studio

Strike = Callable[[Studio, random.Random], Iterator[str]]

KINDS: dict[str, Strike] = {
    module.__name__.rpartition(".")[2]: module.strike
    for module in (
        *(foreign_files, second_databases, damage, outages),
        *(slow_clients, unread_streams, schemas, clock_steps),
    )
}
SETUPS = ("sqlite", "postgresql", "s3")
"""SQLite and a folder, PostgreSQL and a folder, PostgreSQL and an S3 store."""


@dataclass
class Result:
    """What a campaign did. wrong: by kind, what was found."""

    seed: int
    seconds: int = 0
    rounds: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    wrong: dict[str, list[str]] = field(default_factory=dict)


@contextmanager
def open_studio(setup: str, folder: Path, tree: Path = REPOSITORY) -> Iterator[Studio]:
    """Start a studio with a setup of SETUPS; its files are in `folder`."""
    with ExitStack() as stack:
        folder.mkdir(parents=True, exist_ok=True)
        server = stack.enter_context(run_postgresql()) if setup != "sqlite" else None
        database = Database(folder / "data", "" if server is None else server.new_database(), server)
        store: Store = FolderStore(folder / "blobs")
        if setup == "s3":
            moto = Moto(free_port())
            stack.callback(moto.stop)
            store = BucketStore(moto)
        yield stack.enter_context(Studio(folder, database, store, tree))


def run(studio: Studio, kinds: Sequence[str], seed: int, rounds: int, seconds: float) -> Iterator[Result]:
    """Run so many rounds of each kind, and begin none after so many seconds. Yield the result after each."""
    result, begun = Result(seed), time.monotonic()
    for number in range(rounds):
        for kind in kinds:
            if time.monotonic() - begun > seconds:
                return
            rng = random.Random(f"{seed} {number} {kind}")
            wrong = list(_strike(studio, KINDS[kind], rng))
            result.rounds[kind] = result.rounds.get(kind, 0) + 1
            result.wrong.setdefault(kind, []).extend(f"round {number}: {sentence}" for sentence in wrong)
            result.counts = dict(sorted(studio.counts.items()))
            result.seconds = round(time.monotonic() - begun)
            yield result


def _strike(studio: Studio, strike: Strike, rng: random.Random) -> Iterator[str]:
    """Let something happen, and check that everything is as before afterward."""
    for step in (strike, _settle):
        try:
            yield from step(studio, rng)
        except (requests.RequestException, GaveUp, AssertionError) as error:
            yield f"{step.__name__.strip('_')} was given up: {error!r}"
        except Exception as error:
            yield f"{step.__name__.strip('_')} failed: {error!r}"


def _settle(studio: Studio, rng: random.Random) -> Iterator[str]:
    yield from studio.settle(rng)


def to_json(results: dict[str, Result]) -> dict[str, Any]:
    """Return the results of some setups for a report."""
    return {setup: vars(result) | {"found": sum(map(len, result.wrong.values()))} for setup, result in results.items()}
