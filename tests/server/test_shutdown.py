# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that stops loses nothing and drops no connection. The same for a separate worker is tested in test_jobs."""

import http.client
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import requests
import sqlalchemy as sa

from server.config import Config
from server.http import wsgi_server
from server.http.wsgi_server import WsgiServer
from server.storage.database import open_database
from server.storage.tables import jobs, workers
from shared.digests import address_of
from shared.protocol import API_PREFIX

from .conftest import HEIGHT, WIDTH, Site, SmallShot, png

COUNT = 30
"""Drawings of a shot that takes a few segments."""


@pytest.fixture
def long_shot() -> SmallShot:
    """A shot of so many drawings that coloring it takes a while."""
    shot = SmallShot()
    drawings = []
    for index in range(COUNT):
        drawing = np.full((HEIGHT, WIDTH), 255, np.uint8)
        drawing[2 + index % 12, 2:20] = 0
        drawing[2:14, 2 + index // 2] = 0
        drawings.append(png(drawing))
    shot.blobs |= {address_of(drawing): drawing for drawing in drawings}
    addresses = tuple(map(address_of, drawings))
    shot.manifest = replace(shot.manifest, drawings=addresses, timing=tuple(range(COUNT)))
    return shot


def test_a_server_that_is_told_to_stop_hands_its_job_back_without_blame(
    serve: Callable[..., Site], long_shot: SmallShot, processes: list[subprocess.Popen[Any]]
) -> None:
    site = serve("--workers", "1")
    job = site.submit(long_shot)
    before = site.wait_for_segments(job, 1)
    assert before["state"] == "running"
    processes[0].terminate()
    assert processes[0].wait(30) == 0
    with open_database(Config(site.data)).connect() as database:
        row = database.execute(sa.select(jobs)).one()
        (worker,) = database.execute(sa.select(workers)).all()
    assert (row.state, row.crashes, row.worker) == ("running", 0, worker.id)
    assert (worker.left, worker.beat) == (True, 0), "the next worker need not wait for its silence"
    site = serve("--workers", "1")

    def is_taken_over(_status: dict[str, Any]) -> bool:
        messages = [event["message"] for event in site.call("GET", f"/jobs/{job}/events", 200)]
        return any("last finished segment" in message for message in messages)

    assert site.wait(job, is_taken_over)["segments_done"] >= before["segments_done"]


def test_an_upload_that_is_on_its_way_arrives(site: Site, processes: list[subprocess.Popen[Any]]) -> None:
    content = png(np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8))
    host, _, port = site.root.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    connection.putrequest("PUT", f"{API_PREFIX}/blobs/{address_of(content)}")
    connection.putheader("Content-Length", str(len(content)))
    connection.endheaders()
    connection.send(content[:1000])
    site.call("GET", "/info", 200)  # the server has read what was sent so far
    processes[0].terminate()
    _wait_until_refused(host, int(port))
    connection.send(content[1000:])
    assert connection.getresponse().status == 201
    connection.close()
    assert processes[0].wait(30) == 0


class Served:
    """An application that waitress serves in a thread until `stop`."""

    def __init__(self, application: Callable[..., Any]) -> None:
        self._server = WsgiServer(application, "127.0.0.1", 0)
        self.port = self._server.port
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()

    def stop(self) -> None:
        """Begin to stop it."""
        self._server.stop()

    def wait(self) -> None:
        """Wait for its end."""
        self._thread.join(60)
        assert not self._thread.is_alive()
        self._server.close()


def test_a_long_answer_arrives_to_its_end() -> None:
    body = np.random.default_rng(0).bytes(12_000_000)  # more than sockets hold, less than waitress does

    def application(_environ: Any, start: Callable[..., Any]) -> list[bytes]:
        start("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    served = Served(application)
    with requests.get(f"http://127.0.0.1:{served.port}", stream=True, timeout=30) as answer:
        first = answer.raw.read(1000)
        served.stop()
        _wait_until_refused("127.0.0.1", served.port)
        assert first + answer.raw.read() == body
    served.wait()


def test_an_answer_without_an_end_holds_nobody_up_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wsgi_server, "DRAIN_SECONDS", 0.5)
    over = threading.Event()

    def application(_environ: Any, start: Callable[..., Any]) -> Iterator[bytes]:
        start("200 OK", [])
        yield b"first"
        over.wait(60)

    served = Served(application)
    with requests.get(f"http://127.0.0.1:{served.port}", stream=True, timeout=30) as answer:
        assert answer.raw.read(1)
        served.stop()
        served.wait()
    over.set()


def test_connections_without_a_request_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wsgi_server, "DRAIN_SECONDS", 1000.0)

    def application(_environ: Any, start: Callable[..., Any]) -> list[bytes]:
        start("200 OK", [("Content-Length", "0")])
        return []

    served = Served(application)
    with requests.Session() as session:
        assert session.get(f"http://127.0.0.1:{served.port}", timeout=30).status_code == 200
        with socket.create_connection(("127.0.0.1", served.port)):
            served.stop()
            served.wait()


def _wait_until_refused(host: str, port: int) -> None:
    """Wait until nobody listens there any more."""
    for _ in range(1000):
        try:
            socket.create_connection((host, port), timeout=30).close()
        except ConnectionResetError:
            continue  # it hung up on whoever was still in its queue
        except ConnectionRefusedError:
            return
        threading.Event().wait(0.01)
    raise AssertionError("it still takes connections")
