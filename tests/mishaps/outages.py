# SPDX-License-Identifier: GPL-3.0-or-later
"""Database or store are away while a worker ends: it is replaced, health says so, and all goes on by itself."""

import random
import time
from collections import Counter
from collections.abc import Iterator

import requests

from .studio import Studio

STORE_SECONDS = 5.0
REPLACED_SECONDS = 90.0
ALLOWED = {200, 503}
"""What health checks and lists may answer during an outage. 503 says when to ask again."""


def check_answers(answers: Counter[str]) -> Iterator[str]:
    """Check what was answered during an outage."""
    for answer, count in answers.items():
        path, _, status = answer.partition(" ")
        if int(status) not in ALLOWED or (path == "/healthz" and status != "200"):
            yield f"{path} was answered with {status} {count} times during an outage"


def strike(studio: Studio, rng: random.Random) -> Iterator[str]:
    """Let the database be away while the supervised worker is killed, then the store while a job runs."""
    yield from _database(studio, rng)
    yield from _store(studio, rng)


def _database(studio: Studio, rng: random.Random) -> Iterator[str]:
    client = studio.client(studio.new_shots(2, slow=True), rng)
    client.start()
    studio.wait(lambda: any(one.segments_done[-1:] >= [1] for one in client.submissions), 60)
    house = studio.houses[0]
    answers: Counter[str] = Counter()
    with studio.database.away():
        studio.counts["outages of the database"] += 1
        end = time.monotonic() + studio.database.outage_seconds
        time.sleep(rng.uniform(0, 1))
        studio.counts["workers killed meanwhile"] += house.kill("worker")
        while time.monotonic() < end:
            _ask(studio, rng, answers)
    yield from check_answers(answers)
    if not studio.wait(lambda: house.has_worker, REPLACED_SECONDS):
        yield "the worker was not replaced after the outage"
    yield from studio.finish(client)


def _store(studio: Studio, rng: random.Random) -> Iterator[str]:
    client = studio.client(studio.new_shots(slow=True), rng)
    client.start()
    studio.wait(lambda: any(one.segments_done[-1:] >= [1] for one in client.submissions), 60)
    answers: Counter[str] = Counter()
    with studio.store.away():
        studio.counts["outages of the store"] += 1
        end = time.monotonic() + STORE_SECONDS
        ready = studio.get(rng.choice(studio.houses), "/readyz")
        if ready.json().get("code") != "blobs_away":
            yield f"/readyz said {ready.status_code} {ready.text[:200]} while the store was away"
        while time.monotonic() < end:
            _ask(studio, rng, answers)
    yield from check_answers(answers)
    yield from studio.finish(client)


def _ask(studio: Studio, rng: random.Random, answers: Counter[str]) -> None:
    """Ask a server for one of what monitors and people look at."""
    path = rng.choice(("/healthz", "/readyz", "/api/v1/jobs", "/api/v1/info"))
    try:
        answers[f"{path} {studio.get(rng.choice(studio.houses), path).status_code}"] += 1
    except requests.RequestException:
        if path == "/healthz":
            answers[f"{path} 0"] += 1
    time.sleep(0.1)
