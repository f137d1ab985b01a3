# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks for the end of a round. Each check returns sentences about what is wrong, and none if everything is right."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from server.config import Config
from server.storage.blobs import Blobs
from server.storage.database import open_database
from server.storage.store_marker import MARKER
from server.storage.tables import blobs as blob_rows
from server.storage.tables import frames, inputs, segments
from shared.digests import address_of

from .client import Client, GaveUp, Submission
from .program import WORK_LOG


def check_job(client: Client, submission: Submission) -> Iterator[str]:
    """Check that an accepted job is done, with the frames of an undisturbed run, and that its log was kept."""
    path = f"/jobs/{submission.job}"
    try:
        answer = client.call("GET", path, (200, 404))
        if answer.status_code == 404:
            yield f"lost: job {submission.job}"
            return
        yield from _events(client, submission)
        if answer.json()["state"] != "done":
            yield f"unfinished: job {submission.job} is {answer.json()['state']}"
            return
        for frame, expected in submission.shot.frames().items():
            found = client.call("GET", f"{path}/frames/{frame}.png", (200, 404))
            if found.content != expected:
                yield f"differing: frame {frame} of job {submission.job} ({found.status_code})"
    except GaveUp as error:
        yield f"unanswered: {error}"


def _events(client: Client, submission: Submission) -> Iterator[str]:
    """Check that every event that was read is still there and unchanged, that none was inserted later, and that no
    count ever fell."""
    now = client.call("GET", f"/jobs/{submission.job}/events", (200,)).json()
    known = [event for _, event in submission.events]
    if now[: len(known)] != known:
        first = next(index for index, event in enumerate(known) if now[index : index + 1] != [event])
        yield f"lost: event {known[first]} of job {submission.job} became {now[first : first + 1]}"
    numbers = [event["number"] for event in now]
    if numbers != sorted(set(numbers)):
        yield f"doubled: events of job {submission.job} are numbered {numbers}"
    counts = [event["segments_done"] for event in now]
    if counts != sorted(counts) or submission.segments_done != sorted(submission.segments_done):
        yield f"fallen: segments_done of job {submission.job}, in its events {counts}"
    finished = [event["segments_done"] for event in now if event["kind"] == "segment"]
    if len(finished) != len(set(finished)):
        yield f"doubled: job {submission.job} told of its segments {finished}"


def runs(data: Path) -> Counter[tuple[int, int]]:
    """Return how often each segment was started, by its shot's seed and its number."""
    return Counter((seed, index) for seed, index, _ in _work_log(data))


def check_work(data: Path, submission: Submission) -> Iterator[str]:
    """Check that no segment was started after it was reported to the client as finished."""
    told = {event["segments_done"] - 1: when for when, event in submission.events if event["kind"] == "segment"}
    for seed, index, begun in _work_log(data):
        if seed == submission.shot.manifest.seed and begun > told.get(index, float("inf")):
            yield f"again: segment {index} of job {submission.job} was colored after it had been told finished"


def _work_log(data: Path) -> list[tuple[int, int, float]]:
    log = data / WORK_LOG
    lines = log.read_text().splitlines() if log.exists() else []
    return [(int(seed), int(index), float(when)) for seed, index, when in (line.split() for line in lines)]


def check_store(config: Config, client: Client) -> Iterator[str]:
    """Check the database, the blobs, and the state after housekeeping. All processes must have ended."""
    engine = open_database(config)
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                verdict = list(connection.scalars(sa.text("PRAGMA integrity_check")))
                if verdict != ["ok"]:
                    yield f"damaged: {verdict}"
            rows = set(connection.scalars(sa.select(blob_rows.c.address)))
            needed = {address for column in _NEEDS for address in connection.scalars(sa.select(column)) if address}
        for address in sorted((client.stored.keys() | needed) - rows):
            yield f"lost: blob {address} has no row"
        yield from _files(config, rows)
        store = Blobs(engine, config.blobs_url)
        store.register_orphans(-3600.0)  # as if all of it were old
        with engine.begin() as connection:
            connection.execute(sa.update(blob_rows).values(touched=0.0))
        store.collect(0.0)
        yield from _files(config, needed)
        left = {path.name for path in Path(config.blobs_url).rglob("*") if path.is_file()} - needed - {MARKER}
        if left:
            yield f"left over after housekeeping: {sorted(left)}"
    finally:
        engine.dispose()


_NEEDS = (inputs.c.blob, frames.c.blob, segments.c.state)


def _files(config: Config, addresses: set[str]) -> Iterator[str]:
    for address in sorted(addresses):
        path = Path(config.blobs_url) / address[:2] / address
        if not path.exists():
            yield f"lost: blob {address} has no file"
        elif address_of(path.read_bytes()) != address:
            yield f"damaged: blob {address}"
