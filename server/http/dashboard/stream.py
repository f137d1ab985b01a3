# SPDX-License-Identifier: GPL-3.0-or-later
"""Server-sent events for open pages. Each event names the jobs that have changed, and the pages that show them reload
their content."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import cast

from flask import Blueprint, Flask, Response, current_app, request

from server.http.api import Services, services_of, user
from server.http.slots import Slots
from server.storage.events import OVERLAP, LatestEvent
from server.storage.tokens import Token

MOST_STREAMS = 24
"""The most browsers with a stream at the same time. Each needs a thread; the pages of others poll every few seconds."""
_TOO_MANY_PAGES = (
    f"{MOST_STREAMS} browsers show the dashboard, or {MOST_STREAMS // 2} of yours, so this one has to poll."
)
POLL_SECONDS = 0.5
"""How often the database is queried for changes, for all pages together."""
KEEPALIVE_SECONDS = 10.0
"""The longest silence on a stream. Proxies close streams that seem dead."""
LIFE_SECONDS = 300.0
"""The lifetime of a stream. The browser then opens the next one and is authenticated again."""
MOST_CHANGES = 10_000
"""How many changed jobs are remembered: many more than change between two looks of a stream."""
MEMORY_SECONDS = 5.0
"""How often the devices' memory is refreshed."""


class ChangePoller:
    """The latest changes, read from the database once for all streams."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._polled = -POLL_SECONDS
        self._latest = services.events.latest()
        self._overall: object = None
        self._round = 0
        # By job: its latest event, and the round in which that was seen. The latest are at the end.
        self._changed: dict[str, tuple[LatestEvent, int]] = {}

    def since(self, known: int, owner: str | None) -> tuple[int, list[str]]:
        """Return the round of the latest change, and the jobs that have changed after round `known`: all of them, or
        those of one owner. A change of something else, such as the workers, is a round without jobs."""
        with self._lock:
            if time.monotonic() - self._polled >= POLL_SECONDS:
                self._poll()
            recent = takewhile(lambda entry: entry[1][1] > known, reversed(self._changed.items()))
            return self._round, [job for job, (event, _) in recent if owner in (None, event.owner)]

    def _poll(self) -> None:
        recent = self._services.events.changed_jobs(self._latest - OVERLAP)
        news = {job: event for job, event in recent.items() if self._changed.get(job, (None, 0))[0] != event}
        self._latest = max(self._latest, *(event.number for event in recent.values()), 0)
        workers = [worker.id for worker in self._services.heartbeats.alive()]
        paused = [queue.paused for queue in self._services.jobs.queues()]
        turn = time.monotonic() // MEMORY_SECONDS
        overall = (self._services.catalogue.total(), workers, paused, turn)
        if news or overall != self._overall:
            self._round += 1
            self._overall = overall
        for job, event in news.items():
            self._changed.pop(job, None)
            self._changed[job] = (event, self._round)
        for job in list(self._changed)[:-MOST_CHANGES]:
            del self._changed[job]
        self._polled = time.monotonic()


class Streams:
    """The streams of one server."""

    def __init__(self, services: Services) -> None:
        self._changes = ChangePoller(services)
        self._closing = services.closing
        self._slots = Slots(MOST_STREAMS, "too_many_pages", _TOO_MANY_PAGES)

    def open(self, reader: Token) -> Response:
        """Open a stream of the changes of a user's jobs, or of all jobs for an admin. Raises ProblemError."""
        owner = None if reader.role == "admin" else reader.name
        is_gone = request.environ.get("waitress.client_disconnected", lambda: False)
        response = Response(self._lines(owner, is_gone), mimetype="text/event-stream")
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Accel-Buffering"] = "no"  # otherwise nginx buffers the lines
        return self._slots.hold(response, reader.name)

    def _lines(self, owner: str | None, is_gone: Callable[[], bool]) -> Iterator[str]:
        begun = last_line = time.monotonic()
        known, _ = self._changes.since(0, owner)
        yield "retry: 2000\n\n"
        yield "event: changed\ndata: null\n\n"  # changes between the page and its stream are not missed
        while not (self._closing.wait(POLL_SECONDS) or is_gone() or time.monotonic() - begun > LIFE_SECONDS):
            present, jobs = self._changes.since(known, owner)
            if present != known:
                yield f"event: changed\ndata: {json.dumps(jobs)}\n\n"
                known, last_line = present, time.monotonic()
            elif time.monotonic() - last_line >= KEEPALIVE_SECONDS:
                yield ": still here\n\n"
                last_line = time.monotonic()


def stream() -> Response:
    """Stream to a browser's pages what has changed: the ids of jobs, or null if any job may have."""
    return cast(Streams, current_app.extensions["streams"]).open(user())


def register(blueprint: Blueprint) -> None:
    """Add this address."""
    blueprint.record_once(
        lambda state: state.app.extensions.update(streams=Streams(services_of(cast(Flask, state.app))))
    )
    blueprint.add_url_rule("/stream", view_func=stream)
