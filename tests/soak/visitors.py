# SPDX-License-Identifier: GPL-3.0-or-later
"""Those who use a studio during a soak: animators with jobs, uploads that no job needs, and open dashboards."""

import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable

import requests

from shared.digests import address_of
from tests.faults.checks import check_job
from tests.faults.client import Client
from tests.mishaps.studio import Studio

PATIENCE_SECONDS = 30.0
KEPT_JOBS = 30
"""Finished jobs of an animator above this number are deleted, so that the database stays as large as it is."""
UPLOAD_PAUSE_SECONDS = 2.0
READ_SECONDS = 20.0
"""How long a page stays open."""


class Visitors:
    """The threads of all visitors.

    counts: what they did. wrong: what was not as it should be. They end when `stopping` is set.
    """

    def __init__(self, studio: Studio, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._studio = studio
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._visit, args=(visit, random.Random(f"{seed} {number}")), daemon=True)
            for number, visit in enumerate((self._color, self._color, self._upload, *[self._read] * 6, self._fetch))
        ]
        self._done: deque[str] = deque()

    def start(self) -> None:
        """Let them come."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let them go, and wait until they have."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _visit(self, visit: Callable[[random.Random], None], rng: random.Random) -> None:
        while not self._stopping.is_set():
            try:
                visit(rng)
            except requests.RequestException:  # a server was killed meanwhile
                self.counts["requests without an answer"] += 1
                self._stopping.wait(0.5)
            except Exception as error:
                self.wrong.append(f"{visit.__name__.strip('_')} failed: {error!r}")
                self._stopping.wait(5)

    def _color(self, rng: random.Random) -> None:
        """Send a job, follow it, check its frames, and delete the oldest one."""
        client = self._studio.client(self._studio.new_shots(slow=rng.random() < 0.1), rng)
        client.start()
        client.join()
        self.wrong += client.wrong
        for submission in client.submissions:
            self.wrong += check_job(client, submission)
            self._done.append(submission.job)
            self.counts["jobs"] += 1
        while len(self._done) > KEPT_JOBS:
            Client.call(client, "DELETE", f"/jobs/{self._done.popleft()}", (204, 404))

    def _upload(self, rng: random.Random) -> None:
        """Upload what no job needs."""
        content = rng.randbytes(rng.randrange(1, 300_000))
        answer = self._studio.call("PUT", f"/blobs/{address_of(content)}", rng.randrange(2), data=content)
        self.counts[f"uploads: {answer.status_code}"] += 1
        self._stopping.wait(UPLOAD_PAUSE_SECONDS)

    def _read(self, rng: random.Random) -> None:
        """Open the queue's page, and follow its stream for a while."""
        house = rng.choice(self._studio.houses)
        with requests.Session() as session:
            session.get(f"{house.url}/", headers={"Accept": "text/html"}, timeout=PATIENCE_SECONDS)
            with session.get(f"{house.url}/stream", stream=True, timeout=PATIENCE_SECONDS) as stream:
                end = time.monotonic() + rng.uniform(0, READ_SECONDS)
                for _ in stream.iter_content(64):
                    self.counts["parts of streams"] += 1
                    if time.monotonic() > end or self._stopping.is_set():
                        break
        self.counts["pages"] += 1

    def _fetch(self, rng: random.Random) -> None:
        """Fetch a page, a zip, a film or a list of what is done."""
        jobs = list(self._done)
        if jobs:
            job = rng.choice(jobs)
            path = rng.choice(("frames.zip", "video.mp4", "segments", "events"))
            answer = self._studio.call("GET", f"/jobs/{job}/{path}", rng.randrange(2))
            self.counts[f"{path}: {answer.status_code}"] += 1
        self._studio.get(rng.choice(self._studio.houses), rng.choice(("/metrics", "/readyz", "/api/v1/jobs")))
        self._stopping.wait(1)
