# SPDX-License-Identifier: GPL-3.0-or-later
"""Server-sent events for open pages. Each event says that the page's content has changed, and the page reloads it."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import cast
from uuid import UUID

from flask import Blueprint, Flask, Response, current_app, request

from server.http.api import Services, services_of
from server.http.api.jobs import find_job
from server.http.problems import ProblemError

MOST_STREAMS = 24
"""The most pages with a stream at the same time. Each needs a thread; further pages poll every few seconds."""
POLL_SECONDS = 0.5
"""How often the database is queried for changes, for all pages together."""
KEEPALIVE_SECONDS = 10.0
"""The longest silence on a stream. Proxies close streams that seem dead."""
LIFE_SECONDS = 300.0
"""The lifetime of a stream. The browser then opens the next one and is authenticated again."""
MEMORY_SECONDS = 5.0
"""How often the devices' memory is refreshed."""
OVERLAP = 200
"""How many event numbers are read again, because events of several writers can become visible out of order."""


class ChangePoller:
    """The latest changes, read from the database once for all streams."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._polled = -POLL_SECONDS
        self._latest = services.events.latest()
        self._changed: dict[str, int] = {}
        self._overall: object = None

    def of_job(self, job: str) -> object:
        """Return a value that differs whenever the job has changed."""
        return self._poll()[0].get(job, 0)

    def of_all(self) -> object:
        """Return a value that differs whenever anything has changed."""
        return self._poll()[1]

    def _poll(self) -> tuple[dict[str, int], object]:
        with self._lock:
            if time.monotonic() - self._polled >= POLL_SECONDS:
                recent = self._services.events.changed_jobs(self._latest - OVERLAP)
                self._changed |= recent
                self._latest = max(self._latest, *recent.values(), 0)
                workers = [worker.id for worker in self._services.heartbeats.alive()]
                paused = [queue.paused for queue in self._services.jobs.queues()]
                turn = time.monotonic() // MEMORY_SECONDS
                self._overall = (self._latest, self._services.catalogue.total(), workers, paused, turn)
                self._polled = time.monotonic()
            return self._changed, self._overall


class Streams:
    """The streams of one server."""

    def __init__(self, services: Services) -> None:
        self._changes = ChangePoller(services)
        self._closing = services.closing
        self._free = threading.Semaphore(MOST_STREAMS)

    def of_job(self, job: str) -> Response:
        """Open a stream of the changes of one job."""
        return self._open(lambda: self._changes.of_job(job))

    def of_all(self) -> Response:
        """Open a stream of all changes."""
        return self._open(self._changes.of_all)

    def _open(self, read_state: Callable[[], object]) -> Response:
        if not self._free.acquire(blocking=False):
            raise ProblemError(503, "too_many_pages", "Too many pages are open, so this one has to poll.")
        is_gone = request.environ.get("waitress.client_disconnected", lambda: False)
        response = Response(self._lines(read_state, is_gone), mimetype="text/event-stream")
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Accel-Buffering"] = "no"  # otherwise nginx buffers the lines
        response.call_on_close(self._free.release)
        return response

    def _lines(self, read_state: Callable[[], object], is_gone: Callable[[], bool]) -> Iterator[str]:
        begun = last_line = time.monotonic()
        known: object = None  # changes between the page and its stream are not missed
        yield "retry: 2000\n\n"
        while not (self._closing.is_set() or is_gone() or time.monotonic() - begun > LIFE_SECONDS):
            present = read_state()
            if present != known:
                yield "event: changed\ndata:\n\n"
                known, last_line = present, time.monotonic()
            elif time.monotonic() - last_line >= KEEPALIVE_SECONDS:
                yield ": still here\n\n"
                last_line = time.monotonic()
            self._closing.wait(POLL_SECONDS)


def index() -> Response:
    """Stream to the queue's page that something has changed."""
    return _streams().of_all()


def job(job_id: UUID) -> Response:
    """Stream to a job's page that it has changed."""
    return _streams().of_job(find_job(job_id).id)


def register(blueprint: Blueprint) -> None:
    """Add these addresses."""
    blueprint.record_once(
        lambda state: state.app.extensions.update(streams=Streams(services_of(cast(Flask, state.app))))
    )
    blueprint.add_url_rule("/stream", "index_stream", index)
    blueprint.add_url_rule("/jobs/<uuid:job_id>/stream", "job_stream", job)


def _streams() -> Streams:
    return cast(Streams, current_app.extensions["streams"])
