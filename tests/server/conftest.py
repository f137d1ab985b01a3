# SPDX-License-Identifier: GPL-3.0-or-later
"""Real server and worker processes, and a small shot to send them."""

import io
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import flask
import numpy as np
import pytest
import requests
import sqlalchemy as sa
from flask.testing import FlaskClient
from PIL import Image

from server.config import BLOBS_VARIABLE, DATABASE_VARIABLE, Config
from server.http.app import create_app
from server.storage.database import open_database
from shared.codec import to_json
from shared.digests import address_of
from shared.manifest import Keyframe, ShotManifest
from shared.protocol import API_PREFIX

from .contract import WatchedQuery, body_type, contract, observe

WAIT_SECONDS = 90.0
WIDTH, HEIGHT = 24, 16


def png(image: np.ndarray) -> bytes:
    """Encode an image as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


class SmallShot:
    """Eight distinct drawings on twos from frame 101, and a painted keyframe of frame 105."""

    def __init__(self) -> None:
        drawings = []
        for index in range(8):
            drawing = np.full((HEIGHT, WIDTH), 255, np.uint8)
            drawing[:, 2 * index + 2] = 0
            drawings.append(png(drawing))
        keyframe = png(np.full((HEIGHT, WIDTH, 3), (200, 60, 30), np.uint8))
        self.blobs = {address_of(content): content for content in (*drawings, keyframe)}
        self.manifest = ShotManifest(
            name="Lantern <b>walk</b>",
            frame_start=101,
            fps=24.0,
            width=WIDTH,
            height=HEIGHT,
            drawings=tuple(address_of(drawing) for drawing in drawings),
            timing=tuple(frame // 2 for frame in range(16)),
            keyframes=(Keyframe(105, address_of(keyframe)),),
        )

    def with_blob(self, index: int, content: bytes) -> "SmallShot":
        """Return this shot with drawing `index` replaced."""
        other = SmallShot()
        address = address_of(content)
        other.blobs[address] = content
        drawings = list(self.manifest.drawings)
        drawings[index] = address
        other.manifest = replace(self.manifest, drawings=tuple(drawings))
        return other

    def with_keyframe(self, content: bytes) -> "SmallShot":
        """Return this shot with its keyframe painted differently."""
        other = SmallShot()
        address = address_of(content)
        other.blobs[address] = content
        other.manifest = replace(self.manifest, keyframes=(Keyframe(105, address),))
        return other


class Site:
    """A running server, accessed over HTTP."""

    def __init__(self, url: str, data: Path) -> None:
        self.url = url + API_PREFIX
        self.root = url
        self.data = data
        self.session = requests.Session()
        self.session.hooks["response"].append(_check_documented)

    def call(self, method: str, path: str, status: int, **arguments: Any) -> Any:
        """Send a request, check its status, return the decoded JSON (or the bytes of something else)."""
        response = self.session.request(method, self.url + path, timeout=30, **arguments)
        assert response.status_code == status, response.text
        return response.json() if "json" in response.headers.get("Content-Type", "") else response.content

    def upload(self, shot: SmallShot) -> None:
        """Upload the images of a shot that the server lacks."""
        for address in self.call("POST", "/blobs/missing", 200, json=list(shot.blobs)):
            self.call("PUT", f"/blobs/{address}", 201, data=shot.blobs[address])

    def submit(self, shot: SmallShot, **changes: Any) -> str:
        """Upload and queue a shot; return the job's id."""
        self.upload(shot)
        job = str(uuid.uuid4())
        self.call("PUT", f"/jobs/{job}", 201, json=to_json(replace(shot.manifest, **changes)))
        return job

    def wait(self, job: str, until: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until the job's status satisfies `until`; return it."""
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            status = self.call("GET", f"/jobs/{job}", 200)
            if until(status):
                return dict(status)
            time.sleep(0.05)
        raise AssertionError(f"waited {WAIT_SECONDS} s in vain; the job is {status}")

    def wait_for_state(self, job: str, state: str) -> dict[str, Any]:
        """Wait until the job is in `state`."""
        return self.wait(job, lambda status: status["state"] == state)

    def wait_for_problem(self, path: str, code: str) -> dict[str, Any]:
        """Wait until the answer to a GET is the problem with this code; return it."""
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            answer = self.session.get(self.url + path, timeout=30)
            if not answer.ok and answer.json()["code"] == code:
                return dict(answer.json())
            time.sleep(0.1)
        raise AssertionError(f"waited {WAIT_SECONDS} s in vain; the last answer is {answer.status_code}")

    def wait_for_segments(self, job: str, count: int) -> dict[str, Any]:
        """Wait until `count` segments of the job are done."""
        return self.wait(job, lambda status: status["segments_done"] >= count)

    def film(self, job: str) -> bytes:
        """Ask for the film of a finished job until a worker has made it; return it."""
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            answer = self.session.get(f"{self.url}/jobs/{job}/video.mp4", timeout=30)
            if answer.status_code == 200:
                return answer.content
            assert (answer.status_code, answer.json()["code"]) == (503, "film_in_progress"), answer.text
            assert int(answer.headers["Retry-After"]) > 0
            time.sleep(0.2)
        raise AssertionError(f"waited {WAIT_SECONDS} s in vain for a film")

    def frames(self, job: str) -> dict[int, bytes]:
        """Download all frames of a finished job."""
        status = self.call("GET", f"/jobs/{job}", 200)
        return {frame: self.call("GET", f"/jobs/{job}/frames/{frame}.png", 200) for frame in status["frames_done"]}


def _check_documented(response: requests.Response, **_: Any) -> None:
    """Check an answer against the OpenAPI document."""
    request = response.request
    url = urlsplit(request.url or "")
    media_type = body_type(response.status_code, response.headers.get("Content-Type", ""))
    sent = frozenset(name for name, _ in parse_qsl(url.query))
    assert not contract().faults(request.method or "", url.path, response.status_code, media_type, sent)


@pytest.fixture(autouse=True)
def every_answer_is_documented(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Check all answers of an application to a test's requests against the OpenAPI document."""
    monkeypatch.setattr(flask.Request, "parameter_storage_class", WatchedQuery)
    found: list[str] = []

    def look(_app: flask.Flask, response: flask.Response) -> None:
        found.extend(contract().faults(*observe(response)))

    with flask.request_finished.connected_to(look):
        yield
    assert not found


@pytest.fixture
def shot() -> SmallShot:
    """A small shot."""
    return SmallShot()


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[Any]]]:
    """Processes that must not outlive the test."""
    started: list[subprocess.Popen[Any]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


@pytest.fixture
def storage(tmp_path: Path) -> Config:
    """The database and blobs of a test's servers and workers. A test may give other parameters."""
    return Config(tmp_path)


@pytest.fixture
def environment(storage: Config) -> dict[str, str]:
    """The environment of servers and workers."""
    return os.environ | {DATABASE_VARIABLE: storage.database, BLOBS_VARIABLE: storage.blobs}


@pytest.fixture
def serve(tmp_path: Path, processes: list[subprocess.Popen[Any]], environment: dict[str, str]) -> Callable[..., Site]:
    """Start `python -m server serve` on a free port and return it as a Site."""

    def start(*arguments: str) -> Site:
        command = [sys.executable, "-m", "server", "serve", "--listen", "127.0.0.1:0", "--device", "cpu"]
        command += ["--data", str(tmp_path), *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        processes.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "http://" in line, f"the server did not start: {line!r}"
        return Site(line[line.index("http://") :].strip(), tmp_path)

    return start


@pytest.fixture
def site(serve: Callable[..., Site]) -> Site:
    """A running server without workers."""
    return serve("--workers", "0")


@pytest.fixture
def start_worker(
    tmp_path: Path, processes: list[subprocess.Popen[Any]], environment: dict[str, str]
) -> Callable[[], subprocess.Popen[Any]]:
    """Start a worker process that colors with the stand-in."""

    def start() -> subprocess.Popen[Any]:
        name = f"test-{uuid.uuid4().hex}"
        command = [sys.executable, "-m", "tests.server.stand_in", str(tmp_path), name]
        process = subprocess.Popen(command, env=environment)
        processes.append(process)
        return process

    return start


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    """The application called directly, for tests that need no process."""
    return create_app(Config(tmp_path)).test_client()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    """The database of the test's servers."""
    engine = open_database(Config(tmp_path))
    yield engine
    engine.dispose()
