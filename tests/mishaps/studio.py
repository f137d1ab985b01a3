# SPDX-License-Identifier: GPL-3.0-or-later
"""A studio: two API servers and a worker for each, on one database and one blob store."""

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import requests

from server.config import BLOBS_VARIABLE, DATABASE_VARIABLE, REPOSITORY
from shared.protocol import API_PREFIX
from tests.faults.checks import check_job
from tests.faults.client import Client, Submission, plan
from tests.faults.house import House
from tests.faults.program import CLOCK_VARIABLE
from tests.faults.shots import FaultShot, draw_shot

from .databases import Database
from .stores import Store

CLOCK = "injected_clock"
JOB_SECONDS = 120.0
SETTLE_SECONDS = 90.0
COMMAND_SECONDS = 120.0
SERVE_SECONDS = 8.0
LISTENING = "listening on"
PATIENCE = 30.0
KEPT_JOBS = 6
"""How many finished jobs are looked at again after every mishap."""


class Studio:
    """The processes. Server 0 supervises its worker; that of server 1 is a process of its own.

    counts: what happened. tree: the folder of the version that runs.
    """

    def __init__(self, folder: Path, database: Database, store: Store, tree: Path = REPOSITORY) -> None:
        self.folder, self.database, self.store, self.tree = folder, database, store, tree
        self.counts: Counter[str] = Counter()
        self.expected_errors = 0
        self._number = 0
        self._kept: list[Submission] = []
        self._read: dict[Path, int] = {}
        self.houses = [self.new_house(f"server-{number}.log", supervised=number == 0) for number in range(2)]
        database.run(f"CREATE TABLE IF NOT EXISTS {CLOCK} (seconds FLOAT NOT NULL)")
        database.run(f"INSERT INTO {CLOCK} VALUES (0)")

    def __enter__(self) -> "Studio":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        for house in self.houses:
            house.__exit__()

    def new_house(self, log: str, supervised: bool, workers: int = 1, **more: Any) -> House:
        """Return another server of this studio, which is not started."""
        place = self.folder / log
        house = House(self.database.data, place, workers, supervised, self.database.address, tree=self.tree, **more)
        house.set_variables({BLOBS_VARIABLE: self.store.url, CLOCK_VARIABLE: CLOCK} | self.store.variables)
        return house

    def start(self) -> None:
        """Start what does not run, and wait until it answers."""
        for house in self.houses:
            house.start()
        for house in self.houses:
            house.wait_until_ready()

    def restart(self) -> None:
        """Stop all servers, and start them."""
        for house in self.houses:
            house.stop()
        self.start()

    def get(self, house: House, path: str, **options: Any) -> requests.Response:
        """Ask a server. Raises requests.RequestException."""
        return requests.get(house.url + path, timeout=PATIENCE, verify=house.verify, **options)

    def new_shots(self, count: int = 1, slow: bool = False) -> list[FaultShot]:
        """Draw shots that no job had before."""
        self._number += count
        return [draw_shot(900_000 + self._number - number, slow) for number in range(count)]

    def client(self, shots: list[FaultShot], rng: random.Random, server: int | None = None) -> Client:
        """Return a client of one of the servers, which is not started, for the jobs of some shots."""
        self.counts["jobs"] += len(shots)
        house = rng.choice(self.houses) if server is None else self.houses[server]
        return Client(house.url, plan(shots, rng, cancel=False), JOB_SECONDS)

    def finish(self, client: Client, keep: bool = True) -> Iterator[str]:
        """Wait for a client, and check its jobs. keep: whether they are looked at again after later mishaps."""
        client.join()
        yield from client.wrong
        for submission in client.submissions:
            yield from check_job(client, submission)
            if keep:
                self._kept.append(submission)

    def color(self, rng: random.Random, count: int = 1) -> Iterator[str]:
        """Color new shots, and check their frames."""
        client = self.client(self.new_shots(count), rng)
        client.start()
        yield from self.finish(client)

    def command(self, *arguments: str, data: Path, database: str = "", blobs: str = "") -> tuple[int | None, str]:
        """Run a command of the server. Return its exit code, None if it had to be stopped, and its text.

        A server is stopped a while after it listens, when its first housekeeping is over.
        """
        self.counts["commands"] += 1
        command = [sys.executable, "-m", "server", *arguments, "--data", str(data)]
        variables = self.store.variables | {DATABASE_VARIABLE: database, BLOBS_VARIABLE: blobs}
        environment = {**self.houses[0].environment, **variables}
        log = self.folder / f"command-{self.counts['commands']}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(command, cwd=self.tree, env=environment, stdout=output, stderr=subprocess.STDOUT)
            end, listens = time.monotonic() + COMMAND_SECONDS, False
            while (code := process.poll()) is None and time.monotonic() < end:
                if not listens and LISTENING in log.read_text():
                    listens = True
                    end = time.monotonic() + SERVE_SECONDS
                time.sleep(0.1)
            if code is None:
                process.terminate()
                process.wait(COMMAND_SECONDS)
        return code, log.read_text()

    def wait(self, condition: Callable[[], bool], seconds: float = SETTLE_SECONDS) -> bool:
        """Wait until a condition holds, while servers may not answer. Return whether it came to hold."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if condition():
                    return True
            except (requests.RequestException, psutil.NoSuchProcess):
                pass
            time.sleep(0.1)
        return False

    def is_ready(self, house: House) -> bool:
        """Return whether a server is ready and has nothing to warn of."""
        return self.get(house, "/readyz").json() == {"status": "ready"}

    def settle(self, rng: random.Random) -> Iterator[str]:
        """Check that everything is as before a mishap: servers are ready, workers work, frames and jobs are there."""
        for number, house in enumerate(self.houses):
            house.start()
            if not self.wait(lambda house=house: self.is_ready(house)):
                yield f"server {number} does not become ready: {self._readiness(house)}"
        yield from self.color(rng)
        self._kept = self._kept[-KEPT_JOBS:]
        house = rng.choice(self.houses)
        client = Client(house.url, [], JOB_SECONDS)
        for submission in self._kept:
            yield from check_job(client, submission)
        yield from client.wrong
        yield from self._server_errors()

    def _readiness(self, house: House) -> str:
        try:
            return self.get(house, "/readyz").text
        except requests.RequestException as error:
            return repr(error)

    def _server_errors(self) -> Iterator[str]:
        """Check that no request since the last time was answered with 500, but for those that were expected."""
        found = []
        for house in self.houses:
            lines = house.log.splitlines()
            new, self._read[house.log_path] = lines[self._read.get(house.log_path, 0) :], len(lines)
            for line in new:
                entry = _entry(line)
                if entry.get("logger") == "server.access":
                    self.counts["requests"] += 1
                    if entry.get("status") == 500:
                        found.append(entry["message"])
        if len(found) > self.expected_errors:
            yield f"{len(found) - self.expected_errors} requests were answered with 500, such as {found[:3]}"
        self.expected_errors = 0

    @contextmanager
    def clock_set(self, seconds: float) -> Iterator[None]:
        """Set the database's clock by so many seconds until the block ends."""
        self.counts["clock steps"] += 2
        self.database.run(f"UPDATE {CLOCK} SET seconds = :seconds", seconds=seconds)
        try:
            yield
        finally:
            self.database.run(f"UPDATE {CLOCK} SET seconds = 0")

    def call(self, method: str, path: str, server: int = 0, **arguments: Any) -> requests.Response:
        """Send a request to the API of a server. Raises requests.RequestException."""
        url = self.houses[server].url + API_PREFIX + path
        return requests.request(method, url, timeout=PATIENCE, **arguments)


def _entry(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}
