# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases of older and newer servers, and rows that this one cannot read: it updates, refuses, and goes on."""

import random
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import requests

from tests.faults.house import House

from .databases import Database
from .studio import Studio

DUMP = Path(__file__).parent.parent / "storage" / "database_0_1_0.sql"
"""What a server of version 0.1.0 left: two jobs."""
JOBS_IN_DUMP = 2
OLDER = (
    "DROP TABLE IF EXISTS alembic_version",
    "DROP TABLE sessions",
    "DROP INDEX IF EXISTS jobs_by_state",
    "DROP TABLE IF EXISTS stores",
)
"""What makes a database one of an earlier version."""
BROKEN = ("{}", "[", '{"drawings": 7}', "null")


def check_old(studio: Studio, old: Database, jobs: int) -> Iterator[str]:
    """Check that a server brings an old database up to date, with its jobs."""
    studio.counts["old databases"] += 1
    log = studio.folder / f"{old.data.name}.log"
    with House(old.data, log, 0, True, old.address, tree=studio.tree) as house:
        house.start()
        try:
            house.wait_until_ready()
            found = studio.get(house, "/api/v1/jobs").json()
            if len(found) != jobs:
                yield f"a server found {len(found)} of {jobs} jobs in an old database"
            if not studio.wait(
                lambda: studio.get(house, "/readyz").ok, 60
            ):  # the dump has no images, of which it warns
                yield f"a server with an old database is not ready: {studio.get(house, '/readyz').text}"
        except (AssertionError, requests.RequestException, ValueError) as error:
            yield f"a server does not work with an old database: {error}"


def strike(studio: Studio, rng: random.Random) -> Iterator[str]:
    """Try an old database, a newer one, and jobs that cannot be read."""
    yield from _old(studio, rng)
    yield from _newer(studio, rng)
    yield from _unreadable(studio, rng)


def _old(studio: Studio, rng: random.Random) -> Iterator[str]:
    number = rng.randrange(10**9)
    if not studio.database.address:
        old = Database(studio.folder / f"old-{number}")
        old.data.mkdir()
        with sqlite3.connect(old.data / "server.sqlite") as file:
            file.executescript(DUMP.read_text(encoding="utf-8"))
        file.close()
        yield from check_old(studio, old, JOBS_IN_DUMP)
    bare = studio.database.sibling(studio.folder / f"bare-{number}")
    yield from check_old(studio, bare, 0)
    for statement in OLDER:
        bare.run(statement)
    yield from check_old(studio, bare, 0)


def _newer(studio: Studio, rng: random.Random) -> Iterator[str]:
    studio.counts["newer databases"] += 1
    version = studio.database.run("SELECT version_num FROM alembic_version")[0][0]
    studio.database.run("UPDATE alembic_version SET version_num = '9999'")
    for number, house in enumerate(studio.houses):
        answer = studio.get(house, "/readyz").json()
        if answer.get("code") != "database_newer":
            yield f"server {number} says {answer} on the database of a newer server"
    command = rng.choice((("token", "--list"), ("serve", "--listen", "127.0.0.1:0", "--device", "cpu")))
    code, text = studio.command(*command, data=studio.database.data, database=studio.database.address)
    if code != 2 or "newer server" not in text:
        yield f"{command[0]} on the database of a newer server ended with {code}: {text[-300:]}"
    studio.database.run("UPDATE alembic_version SET version_num = :version", version=version)


def _unreadable(studio: Studio, rng: random.Random) -> Iterator[str]:
    client = studio.client(studio.new_shots(2), rng)
    client.start()
    yield from studio.finish(client)
    bad, good = (submission.job for submission in client.submissions)
    column = rng.choice(("manifest", "problem"))
    before = studio.database.run(f"SELECT {column} FROM jobs WHERE id = :job", job=bad)[0][0]
    studio.database.run(f"UPDATE jobs SET {column} = :value WHERE id = :job", value=rng.choice(BROKEN), job=bad)
    studio.counts["unreadable rows"] += 1
    for house in studio.houses:
        answer = studio.get(house, "/api/v1/jobs")
        if answer.status_code != 200 or good not in {job["id"] for job in answer.json()}:
            yield f"a list was answered with {answer.status_code} beside a row that cannot be read"
        page = studio.get(house, "/", headers={"Accept": "text/html"})
        if page.status_code != 200:
            yield f"the queue's page was answered with {page.status_code} beside a row that cannot be read"
        one = studio.get(house, f"/api/v1/jobs/{bad}")
        studio.expected_errors += one.status_code == 500
        if (one.status_code, one.json().get("code")) != (500, "unreadable_job"):
            yield f"a job that cannot be read was answered with {one.status_code} {one.text[:200]}"
    time.sleep(4)  # housekeeping reads it too
    studio.database.run(f"UPDATE jobs SET {column} = :value WHERE id = :job", value=before, job=bad)
