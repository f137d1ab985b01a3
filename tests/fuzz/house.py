# SPDX-License-Identifier: GPL-3.0-or-later
"""A real server with real jobs to be fuzzed, and checks of its state afterward."""

import contextlib
import os
import signal
import site
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import psutil
import requests

from server.config import REPOSITORY, Config
from server.storage.database import open_database
from server.storage.sessions import Sessions
from server.storage.store_marker import MARKER
from server.storage.tokens import Tokens
from shared.codec import to_json
from shared.digests import address_of
from shared.protocol import API_PREFIX
from tests.server.conftest import SmallShot

from .verdict import TRACE

JOBS = f"{API_PREFIX}/jobs"
WAIT_SECONDS = 120.0
IDENTITIES = ("nobody", "animator", "other", "boss")
"""The senders of inputs: `nobody` has no token, and `boss` has a token with the role admin."""
SENDERS = ("animator", "boss", "animator", "other", "boss", "animator", "nobody")
"""The weight of each sender."""
MOST_JOBS = 60
"""Jobs above this number are deleted, so that lists stay short."""
DATABASE_FILES = 3 * 20
"""Largest number of database files that a server may have open: three for each pooled connection."""

Identity = Literal["nobody", "animator", "other", "boss"]


class House:
    """A server process in `folder`, its tokens with a browser session for each, its jobs, and their expected state."""

    def __init__(self, folder: Path) -> None:
        self.data, self.temporary, self._log = folder / "data", folder / "tmp", folder / "server.log"
        self.temporary.mkdir()
        engine = open_database(Config(self.data))
        tokens = Tokens(engine)
        self.tokens = {
            name: tokens.create(name, "admin" if name == "boss" else "submit")
            for name in IDENTITIES
            if name != "nobody"
        }
        sessions = Sessions(engine)
        self.sessions = {name: str(sessions.open(token)) for name, token in self.tokens.items()}
        engine.dispose()
        self.secrets = {token: f"the token of {name}" for name, token in self.tokens.items()}
        self.secrets |= {session: f"the session of {name}" for name, session in self.sessions.items()}
        places = [*site.getsitepackages(), str(folder), str(REPOSITORY), sys.prefix, str(Path.home())]
        self.secrets |= dict.fromkeys(places, "a path of the machine")
        self.shot = SmallShot()
        self.blobs = list(self.shot.blobs)
        self.jobs: set[str] = set()
        self.kept: list[str] = []
        self._processes: list[subprocess.Popen[Any]] = []
        self._before: dict[str, int] = {}

    def start(self) -> None:
        """Start the server, and fill it with jobs in every state."""
        command = [sys.executable, "-m", "server", "serve", "--listen", "127.0.0.1:0", "--device", "cpu"]
        command += ["--workers", "0", "--proxied", "--data", str(self.data)]
        command += ["--log-level", "debug", "--log-format", "json"]
        with self._log.open("wb") as log:
            environment = os.environ | {"TMPDIR": str(self.temporary)}
            self._server = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        self._processes.append(self._server)
        told = self._wait(lambda: next((one for one in self.log().splitlines() if "listening on" in one), ""))
        self.port = int(told.rsplit(":", 1)[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.session = requests.Session()
        self.session.trust_env = False
        self._fill()
        self._warm_up()
        self._before = self._handles()

    def stop(self) -> None:
        """End all processes."""
        for process in self._processes:
            process.kill()
            process.wait()

    def log(self) -> str:
        """Return the server's log."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def call(self, method: str, path: str, identity: Identity = "animator", **arguments: Any) -> requests.Response:
        """Send a request as somebody."""
        headers = self.authorization(identity) | arguments.pop("headers", {})
        response = self.session.request(method, self.url + path, headers=headers, timeout=60, **arguments)
        self.follow(method, path, response.status_code)
        return response

    def authorization(self, identity: Identity) -> dict[str, str]:
        """Return the header that identifies the sender of a request."""
        return {} if identity == "nobody" else {"Authorization": f"Bearer {self.tokens[identity]}"}

    def follow(self, method: str, path: str, status: int) -> None:
        """Keep track of the jobs. Deletes the oldest when there are many."""
        if not path.startswith(JOBS):
            return
        job = path.removeprefix(f"{JOBS}/").lower()
        if (method, status) == ("PUT", 201):
            self.jobs.add(job)
        elif (method, status) == ("DELETE", 204):
            self.jobs.discard(job)
        if len(self.jobs) > MOST_JOBS:
            for surplus in sorted(self.jobs - set(self.kept))[: MOST_JOBS // 2]:
                self.call("DELETE", f"{JOBS}/{surplus}", "boss")

    def submit(self, identity: Identity = "animator", **changes: Any) -> str:
        """Queue the small shot with changes; return the job's id."""
        job = str(uuid.uuid4())
        answer = self.call("PUT", f"{JOBS}/{job}", identity, json=to_json(replace(self.shot.manifest, **changes)))
        assert answer.status_code == 201, answer.text
        return job

    def _fill(self) -> None:
        for address, content in self.shot.blobs.items():
            assert self.call("PUT", f"{API_PREFIX}/blobs/{address}", data=content).status_code == 201
        (self.data / "fault").touch()
        done, failed = self.submit(), self.submit(prompt="fail")
        command = [sys.executable, "-m", "tests.server.stand_in", str(self.data), "fuzz"]
        worker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._processes.append(worker)
        for job, state in ((done, "done"), (failed, "failed")):
            self._wait(lambda job=job, state=state: self.call("GET", f"{JOBS}/{job}").json()["state"] == state)
        self._wait(lambda: self.call("GET", f"{JOBS}/{done}/video.mp4").status_code == 200)
        worker.send_signal(signal.SIGTERM)
        worker.wait(WAIT_SECONDS)
        twin, waiting, cancelled = self.submit(), self.submit(seed=1), self.submit(seed=2)
        self.call("POST", f"{JOBS}/{cancelled}/cancel")
        self.kept = [done, failed, twin, waiting, cancelled, self.submit("boss", seed=3), self.submit("other", seed=4)]

    def _warm_up(self) -> None:
        """Use every thread of the server, so that everything that it opens once is open."""
        paths = ["/", JOBS, f"{API_PREFIX}/queues", f"{JOBS}/{self.kept[0]}/frames.zip"]

        def ask(path: str) -> None:
            url, headers = self.url + path, self.authorization("boss")
            assert requests.get(url, headers=headers, timeout=60).status_code == 200

        with ThreadPoolExecutor(16) as pool:
            list(pool.map(ask, [f"{JOBS}/{self.kept[0]}/video.mp4", *paths * 16]))

    def _handles(self) -> dict[str, int]:
        process = psutil.Process(self._server.pid)
        database = sum(Path(file.path).name.startswith("server.sqlite") for file in process.open_files())
        return {
            "threads": process.num_threads(),
            "descriptors": process.num_fds() - database,
            "database_descriptors": database,
            "memory_mb": round(process.memory_info().rss / 1e6),
        }

    def _grown(self, handles: dict[str, int]) -> list[str]:
        """Name the resources that have grown. An answer's last threads and descriptors end a little after it."""
        return [what for what in ("threads", "descriptors") if handles[what] > self._before[what]]

    def _wait(self, told: Any) -> Any:
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            if value := told():
                return value
            time.sleep(0.1)
        raise AssertionError(f"waited {WAIT_SECONDS:.0f} s in vain; the server says: {self.log()[-2000:]}")

    # Afterwards

    def check(self) -> tuple[list[str], dict[str, Any]]:
        """Return what was wrongly left behind, and the numbers that were checked."""
        self._warm_up()
        self.session.close()
        with contextlib.suppress(AssertionError):
            self._wait(lambda: not self._grown(self._handles()))
        after = self._handles()
        wrong = [f"the server has {after[what]} {what}, {self._before[what]} before" for what in self._grown(after)]
        if after["database_descriptors"] > DATABASE_FILES:
            wrong.append(f"the server has {after['database_descriptors']} files of the database open")
        if self._server.poll() is not None:
            wrong.append("the server is dead")
        log = self.log()
        told = [*self.tokens.values(), *self.sessions.values()]
        wrong += [f"the log holds {self.secrets[secret]}" for secret in told if secret in log]
        wrong += ["the log holds a trace"] * (TRACE.decode() in log)
        wrong += [f"{path.name} lies in the folder for temporary files" for path in self.temporary.iterdir()]
        store = list(self._check_store())
        tables = list(self._check_tables())
        numbers = {"before": self._before, "after": after, "jobs": len(self.jobs), "blobs": len(self._files())}
        return wrong + store + tables, numbers

    def _files(self) -> list[Path]:
        return [path for path in (self.data / "blobs").rglob("*") if path.is_file() and path.name != MARKER]

    def _query(self, sql: str) -> list[Any]:
        with contextlib.closing(sqlite3.connect(self.data / "server.sqlite")) as connection:
            return [row[0] for row in connection.execute(sql)]

    def _check_store(self) -> Iterator[str]:
        files, rows = self._files(), set(self._query("SELECT address FROM blobs WHERE NOT doomed"))
        for path in files:
            if path.name not in rows:
                yield f"the blob folder holds {path.name}, which has no row"
            elif address_of(path.read_bytes()) != path.name:
                yield f"the blob {path.name} holds something else"
        if absent := rows - {path.name for path in files}:
            yield f"{len(absent)} blobs have a row and no file"

    def _check_tables(self) -> Iterator[str]:
        if (state := self._query("PRAGMA integrity_check")) != ["ok"]:
            yield f"the database is damaged: {state[:3]}"
        present = set(self._query("SELECT id FROM jobs"))
        if surplus := present - self.jobs:
            yield f"{len(surplus)} jobs were never accepted"
        if absent := self.jobs - present:
            yield f"{len(absent)} accepted jobs are lost"
        for table in ("inputs", "segments", "frames", "events"):
            if self._query(f"SELECT count(*) FROM {table} WHERE job NOT IN (SELECT id FROM jobs)") != [0]:
                yield f"{table} of jobs that there are not"
        surplus_workflows = "SELECT count(*) FROM workflow_status WHERE workflow_uuid NOT IN (SELECT id FROM jobs)"
        if self._query(f"{surplus_workflows} AND name <> 'encode_film'") != [0]:
            yield "workflows of jobs that there are not"


@contextlib.contextmanager
def open_house() -> Iterator[House]:
    """A started house in its own folder, which is removed afterward."""
    with tempfile.TemporaryDirectory() as folder:
        house = House(Path(folder))
        try:
            house.start()
            yield house
        finally:
            house.stop()
