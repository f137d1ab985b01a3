# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that sends shots to a server that stops and restarts, and records every answer."""

import random
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import requests

from shared.codec import to_json
from shared.protocol import API_PREFIX

from .shots import FaultShot

AGAIN_SECONDS = 0.2
POLL_SECONDS = 0.05
AWAY = (502, 503, 504)
"""Answers after which the add-on asks again."""


class GaveUp(Exception):
    """The client's time was over before it got an answer."""


@dataclass
class Submission:
    """A shot that was sent, and what the server reported about it. Times are seconds since the epoch.

    accepted: when its job was accepted. cancel_after: number of segments after which it is canceled, or never. events:
    in the order of arrival, with the times. segments_done: from every status. set_aside: how often the job was set
    aside and tried again.
    """

    shot: FaultShot
    job: str
    cancel_after: int | None
    accepted: float | None = None
    state: str = ""
    events: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    segments_done: list[int] = field(default_factory=list)
    set_aside: int = 0
    cancels: int = 0


def plan(shots: Sequence[FaultShot], rng: random.Random, cancel: bool = True) -> list[Submission]:
    """Return submissions of some shots, each with its own id. Some are canceled in progress and tried again."""
    whens = (None, None, 1, 2) if cancel else (None,)
    return [Submission(shot, str(uuid.UUID(int=rng.getrandbits(128), version=4)), rng.choice(whens)) for shot in shots]


class Client:
    """Sends shots and follows their jobs until all are done. It repeats requests that get no answer."""

    def __init__(self, url: str, submissions: Sequence[Submission], seconds: float) -> None:
        self._url = url + API_PREFIX
        self._end = time.monotonic() + seconds
        self._session = requests.Session()
        self._session.trust_env = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.submissions = submissions
        self.stored: dict[str, tuple[float, bytes]] = {}
        """Blobs whose upload was answered with 201 or 200, with the time."""
        self.wrong: list[str] = []
        """Answers that no fault excuses."""

    def start(self) -> None:
        """Begin in a thread of its own."""
        self._thread.start()

    def join(self) -> None:
        """Wait until every job is done or the time is over."""
        self._thread.join()

    @property
    def is_busy(self) -> bool:
        """Return whether the client still sends or follows."""
        return self._thread.is_alive()

    def call(self, method: str, path: str, allowed: Sequence[int], **arguments: Any) -> requests.Response:
        """Repeat a request until there is an answer. Records answers that are neither allowed nor excused by a fault.
        Raises GaveUp."""
        while time.monotonic() < self._end:
            try:
                response = self._session.request(method, self._url + path, timeout=(5, 60), **arguments)
            except requests.RequestException:
                time.sleep(AGAIN_SECONDS)
                continue
            if response.status_code not in AWAY:
                if response.status_code not in allowed:
                    self.wrong.append(f"{method} {path}: {response.status_code} {response.text[:300]}")
                return response
            time.sleep(AGAIN_SECONDS)
        raise GaveUp(f"{method} {path} was not answered.")

    def _run(self) -> None:
        try:
            for submission in self.submissions:
                self.send(submission)
            while any(submission.state != "done" for submission in self.submissions):
                for submission in self.submissions:
                    self._follow(submission)
                time.sleep(POLL_SECONDS)
                if time.monotonic() > self._end:
                    raise GaveUp("Not every job was done in time.")
        except GaveUp as error:
            self.wrong.append(str(error))
        except Exception as error:
            self.wrong.append(f"The client failed: {error!r}")

    def send(self, submission: Submission) -> None:
        """Upload the missing images of a shot, and queue its job."""
        shot = submission.shot
        for address in self.call("POST", "/blobs/missing", (200,), json=list(shot.blobs)).json():
            self.call("PUT", f"/blobs/{address}", (200, 201), data=shot.blobs[address])
            self.stored[address] = time.time(), shot.blobs[address]
        self.call("PUT", f"/jobs/{submission.job}", (200, 201), json=to_json(shot.manifest))
        submission.accepted = time.time()

    def _follow(self, submission: Submission) -> None:
        """Read a job's new events. Cancels the job if that is planned, and retries it if it failed."""
        path = f"/jobs/{submission.job}"
        if submission.state == "done":
            return
        after = submission.events[-1][1]["number"] if submission.events else 0
        status = self.call("GET", path, (200,)).json()
        events = self.call("GET", f"{path}/events?after={after}", (200,)).json()
        submission.events += [(time.time(), event) for event in events]
        submission.segments_done.append(status["segments_done"])
        submission.state = status["state"]
        if submission.cancel_after is not None and status["segments_done"] >= submission.cancel_after:
            submission.cancel_after = None
            submission.cancels += self.call("POST", f"{path}/cancel", (200, 409)).ok
        elif submission.state in ("failed", "cancelled"):
            if submission.state == "failed" and (status["problem"] or {}).get("code") != "worker_died":
                self.wrong.append(f"{path} failed: {status['problem']}")
                submission.state = "done"  # nothing more will come of it
                return
            again = self.call("POST", f"{path}/retry", (200, 409))  # 409: it is still stopping, or an answer was lost
            submission.set_aside += submission.state == "failed" and again.ok
