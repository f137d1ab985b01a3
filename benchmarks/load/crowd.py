# SPDX-License-Identifier: GPL-3.0-or-later
"""Many clients at once on a server whose colorizer is instant."""

import multiprocessing
import multiprocessing.synchronize
import queue
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.measure import progress
from shared.codec import to_json
from shared.status import FINAL_STATES

from .client import Api, Latencies, RequestFailed, merged, summarized
from .processes import consumption, running, running_server
from .shots import SentShot, make_shot

WIDTH, HEIGHT = 128, 72
POLL_SECONDS = 0.5
"""As the add-on polls."""
START_SECONDS = 600.0
GRACE_SECONDS = 90.0
"""How long the clients may draw, and how long after the deadline a client may take to report its result, in seconds."""


@dataclass
class Record:
    """The results of a client. right: number of jobs that ended `done` and whose frames all arrived and are right."""

    latencies: Latencies = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    right: int = 0
    processor: float = 0.0


def measure(folder: Path, clients: int, jobs: int, drawings: int, minutes: float) -> dict[str, Any]:
    """Let clients send jobs of drawings. Measures until all frames are fetched, or the minutes have passed."""
    context = multiprocessing.get_context("spawn")
    start, records = context.Barrier(clients + 1), context.Queue()
    with (
        running_server(folder) as (url, server),
        running(folder / "worker.log", "benchmarks.load.instant_colorizer", str(folder)) as worker,
    ):
        processes = [
            context.Process(target=_client, args=(url, number, jobs, drawings, minutes, start, records), daemon=True)
            for number in range(clients)
        ]
        for process in processes:
            process.start()
        progress("The clients draw")
        start.wait(START_SECONDS)
        progress(f"{clients} clients send {jobs} jobs of {drawings} drawings each")
        begin = time.monotonic()
        end = begin + 60 * minutes + GRACE_SECONDS
        with consumption(server=server, worker=worker) as taken:
            found = [_next(records, end) for _ in processes]
            seconds = time.monotonic() - begin
        listing = Api(url)
        for _ in range(3):
            states = Counter(job["state"] for job in listing.call("GET /jobs", "GET", "/jobs", 200).json())
        for process in processes:
            process.join(1)
    latencies = merged([*(record.latencies for record in found), listing.latencies])
    count, errors = clients * jobs, [error for record in found for error in record.errors]
    requests = sum(map(len, latencies.values()))
    return {
        "seconds": seconds,
        "jobs": count,
        "lost": count - sum(record.right for record in found),
        "states": dict(states),
        "errors": len(errors),
        "first_errors": errors[:5],
        "jobs_per_second": count / seconds,
        "drawings_per_second": count * drawings / seconds,
        "requests": requests,
        "requests_per_second": requests / seconds,
        "endpoints": summarized(latencies),
        **taken,
        "clients": {"cpu_seconds": sum(record.processor for record in found)},
    }


def _next(records: Any, end: float) -> Record:
    try:
        return records.get(timeout=max(end - time.monotonic(), 0.1))
    except queue.Empty:
        return Record(errors=["a client ended without a result"])


def _client(
    url: str,
    number: int,
    jobs: int,
    drawings: int,
    minutes: float,
    start: multiprocessing.synchronize.Barrier,
    records: Any,
) -> None:
    """Send the jobs one after another, then follow and fetch them in that order, as the add-on does with one job."""
    shots = [make_shot(number * jobs + job, drawings, WIDTH, HEIGHT) for job in range(jobs)]
    record, api = Record(), Api(url)
    start.wait(START_SECONDS)
    end, before = time.monotonic() + 60 * minutes, time.process_time()
    sent: dict[str, SentShot] = {}
    for shot in shots:
        try:
            _check_time(end)
            sent[_send(api, shot)] = shot
        except RequestFailed as error:
            record.errors.append(str(error))
    for job, shot in sent.items():
        try:
            record.right += _follow(api, job, end) and _fetch(api, job, shot)
        except RequestFailed as error:
            record.errors.append(str(error))
    record.latencies, record.processor = dict(api.latencies), time.process_time() - before
    records.put(record)


def _check_time(end: float) -> None:
    if time.monotonic() > end:
        raise RequestFailed("the time is up")


def _send(api: Api, shot: SentShot) -> str:
    api.call("GET /info", "GET", "/info", 200)
    api.upload(shot.blobs)
    job = str(uuid.uuid4())
    api.call("PUT /jobs/<id>", "PUT", f"/jobs/{job}", 201, json=to_json(shot.manifest))
    return job


def _follow(api: Api, job: str, end: float) -> bool:
    """Read a job's events until it ends. Returns whether it is done. Raises RequestFailed, also when the time is up."""
    last, state = 0, "queued"
    while state not in FINAL_STATES:
        events = api.call("GET /jobs/<id>/events", "GET", f"/jobs/{job}/events?after={last}", 200).json()
        if events:
            last, state = events[-1]["number"], events[-1]["state"]
        if state not in FINAL_STATES:
            _check_time(end)
            time.sleep(POLL_SECONDS)
    status = api.call("GET /jobs/<id>", "GET", f"/jobs/{job}", 200).json()
    return status["state"] == "done"


def _fetch(api: Api, job: str, shot: SentShot) -> bool:
    """Fetch all frames. Returns whether they are right."""
    path = f"/jobs/{job}/frames"
    numbers = range(len(shot.manifest.drawings))
    frames = [api.call("GET /jobs/<id>/frames/<n>.png", "GET", f"{path}/{one + 1}.png", 200).content for one in numbers]
    return all(shot.is_right(drawing, frame) for drawing, frame in enumerate(frames))
