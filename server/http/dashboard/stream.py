# SPDX-License-Identifier: GPL-3.0-or-later
"""Server-sent events for open pages: each says that what the page shows has changed, and the page asks for itself."""

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
"""Pages that are told at once, each of which takes a thread; further ones ask every few seconds by themselves."""
LOOK_SECONDS = 0.5
"""How often the database is asked what has changed, for all pages together."""
QUIET_SECONDS = 10.0
"""Longest silence on a stream: proxies close those that seem dead."""
LIFE_SECONDS = 300.0
"""A stream ends after so long; the browser opens the next one, and is asked again who it is."""
MEMORY_SECONDS = 5.0
"""How often the devices' memory is shown anew."""
LOOK_BACK = 200
"""Events of several writers can become visible out of order: so many numbers are looked at again."""


class Pulse:
    """What has changed lately, asked for once for all who want to know."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._looked = -LOOK_SECONDS
        self._latest = services.catalogue.latest_event()
        self._changed: dict[str, int] = {}
        self._house: object = None

    def of_job(self, job: str) -> object:
        """Return what differs whenever the job has changed."""
        return self._look()[0].get(job, 0)

    def of_all(self) -> object:
        """Return what differs whenever anything has changed."""
        _, house = self._look()
        return house

    def _look(self) -> tuple[dict[str, int], object]:
        with self._lock:
            if time.monotonic() - self._looked >= LOOK_SECONDS:
                recent = self._services.catalogue.changes(self._latest - LOOK_BACK)
                self._changed |= recent
                self._latest = max(self._latest, *recent.values(), 0)
                workers = [worker.id for worker in self._services.heartbeats.alive()]
                paused = [queue.paused for queue in self._services.jobs.queues()]
                turn = time.monotonic() // MEMORY_SECONDS
                self._house = (self._latest, self._services.catalogue.total(), workers, paused, turn)
                self._looked = time.monotonic()
            return self._changed, self._house


class Streams:
    """The streams of one server."""

    def __init__(self, services: Services) -> None:
        self._pulse = Pulse(services)
        self._closing = services.closing
        self._free = threading.Semaphore(MOST_STREAMS)

    def of_job(self, job: str) -> Response:
        """Tell of one job."""
        return self._open(lambda: self._pulse.of_job(job))

    def of_all(self) -> Response:
        """Tell of everything."""
        return self._open(self._pulse.of_all)

    def _open(self, look: Callable[[], object]) -> Response:
        if not self._free.acquire(blocking=False):
            raise ProblemError(503, "too_many_pages", "So many pages are open that this one has to ask by itself.")
        is_gone = request.environ.get("waitress.client_disconnected", lambda: False)
        response = Response(self._told(look, is_gone), mimetype="text/event-stream")
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Accel-Buffering"] = "no"  # nginx would keep the lines back
        response.call_on_close(self._free.release)
        return response

    def _told(self, look: Callable[[], object], is_gone: Callable[[], bool]) -> Iterator[str]:
        begun = spoken = time.monotonic()
        known: object = None  # what came between the page and its stream is not missed
        yield "retry: 2000\n\n"
        while not (self._closing.is_set() or is_gone() or time.monotonic() - begun > LIFE_SECONDS):
            present = look()
            if present != known:
                yield "event: changed\ndata:\n\n"
                known, spoken = present, time.monotonic()
            elif time.monotonic() - spoken >= QUIET_SECONDS:
                yield ": still here\n\n"
                spoken = time.monotonic()
            self._closing.wait(LOOK_SECONDS)


def index() -> Response:
    """Tell the queue's page when anything changes."""
    return _streams().of_all()


def job(job_id: UUID) -> Response:
    """Tell a job's page when it changes."""
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
