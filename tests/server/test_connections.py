# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that hold connections, send slowly, or send what they may not do not keep others out."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from server.config import Config
from server.http import channel, listener
from server.http.wsgi_server import WsgiServer
from server.storage.database import open_database
from server.storage.tokens import Tokens

from .conftest import Site

MANY = 230
"""More connections than a server holds."""


def is_closed(connection: socket.socket) -> bool:
    """Wait for data or the end; tell whether it is the end."""
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


class House:
    """A WSGI server in a thread of this process. Its application answers with what `answers` says of the path."""

    def __init__(self, **options: Any) -> None:
        self.bodies: list[int] = []
        self.release = threading.Event()
        self.server = WsgiServer(self._answer, "127.0.0.1", 0, **options)
        self._thread = threading.Thread(target=self.server.run)
        self._thread.start()
        self._open = ExitStack()

    def connect(self, source: str = "127.0.0.1", sent: bytes = b"") -> socket.socket:
        """Connect from an address of this machine, and send something."""
        address = ("127.0.0.1", self.server.port)
        connection = socket.create_connection(address, timeout=20, source_address=(source, 0))
        self._open.enter_context(connection)
        connection.sendall(sent)
        return connection

    def get(self, path: str = "/") -> int:
        """Ask for a page; return the status."""
        return requests.get(f"http://127.0.0.1:{self.server.port}{path}", timeout=20).status_code

    def close(self) -> None:
        """Stop it."""
        self.release.set()
        self._open.close()
        self.server.stop()
        self._thread.join(30)
        self.server.close()

    def _answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        if environ["PATH_INFO"] == "/slow":
            self.release.wait(30)
        self.bodies.append(len(environ["wsgi.input"].read()))
        start("200 OK", [("Content-Length", "2")])
        return [b"ok"]


@pytest.fixture
def open_house() -> Iterator[Callable[..., House]]:
    """Start a WSGI server."""
    with ExitStack() as houses:

        def start(**options: Any) -> House:
            house = House(**options)
            houses.callback(house.close)
            return house

        yield start


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", b"PUT /x HTTP/1.1\r\n"])
def test_connections_that_wait_do_not_keep_others_out(site: Site, sent: bytes) -> None:
    host, _, port = site.root.removeprefix("http://").partition(":")
    with ExitStack() as stack:
        for _ in range(MANY):
            stack.enter_context(socket.create_connection((host, int(port)), timeout=20)).sendall(sent)
        begun = time.monotonic()
        assert requests.get(f"{site.root}/healthz", timeout=10).status_code == 200
        assert requests.get(f"{site.url}/info", timeout=10).status_code == 200
        assert time.monotonic() - begun < 5


def test_one_address_has_so_many_connections_and_others_have_room(
    open_house: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "CONNECTIONS_OF_ADDRESS", 3)
    monkeypatch.setattr(listener, "is_loopback", lambda host: host == "127.0.0.1")
    house = open_house()
    first = [house.connect("127.0.0.2") for _ in range(3)]
    other = house.connect("127.0.0.3")
    assert house.get() == 200
    house.connect("127.0.0.2")
    assert is_closed(first[0]), "the one that waited the longest gives way"
    for one in (*first[1:], other):
        one.settimeout(0.3)
        with pytest.raises(TimeoutError):
            one.recv(1)


def test_requests_in_progress_give_way_to_nobody(
    open_house: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "CONNECTIONS", 2)
    house = open_house()
    busy = [house.connect(sent=b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n") for _ in range(2)]
    time.sleep(0.5)
    assert is_closed(house.connect())
    house.release.set()
    assert [one.recv(12) for one in busy] == [b"HTTP/1.1 200"] * 2


def test_the_sign_of_life_is_given_while_all_threads_are_busy(open_house: Callable[..., House]) -> None:
    house = open_house(threads=1, urgent="/healthz")
    house.connect(sent=b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
    time.sleep(0.3)
    assert house.get("/healthz") == 200


@pytest.mark.parametrize(
    ("sent", "limit"),
    [
        (b"GET / HTTP/1.1\r\n", "REQUEST_SECONDS"),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1234", "REQUEST_SECONDS"),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999\r\n\r\n1234", "REQUEST_SECONDS"),
        (b"", "IDLE_SECONDS"),
    ],
    ids=["header", "small body", "large body", "nothing"],
)
def test_who_takes_too_long_is_closed(
    open_house: Callable[..., House], monkeypatch: pytest.MonkeyPatch, sent: bytes, limit: str
) -> None:
    monkeypatch.setattr(channel, limit, 0.5)
    assert is_closed(open_house().connect(sent=sent))


def test_a_large_body_that_arrives_steadily_has_its_time(
    open_house: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "REQUEST_SECONDS", 0.5)
    house = open_house()
    connection = house.connect(sent=b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 30000\r\n\r\n")
    for _ in range(10):
        time.sleep(0.3)
        connection.sendall(bytes(3000))
    assert connection.recv(12) == b"HTTP/1.1 200" and house.bodies == [30000]


def test_an_answer_that_nobody_reads_is_given_up(
    open_house: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "STALL_SECONDS", 0.5)
    over = threading.Event()

    def endless(_environ: Any, start: Callable[..., Any]) -> Iterator[bytes]:
        start("200 OK", [])
        try:
            while True:
                yield bytes(1_000_000)
        finally:
            over.set()

    house = open_house()
    house.server._server.application = endless
    house.connect(sent=b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert over.wait(20), "its thread is free again"


def test_an_answer_that_is_read_by_drops_is_given_up(
    open_house: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "STALL_SECONDS", 1.0)
    monkeypatch.setattr(channel, "SLOWEST_BYTES", 1e9)
    house = open_house(outbuf_high_watermark=100_000)
    over = threading.Event()

    def endless(_environ: Any, start: Callable[..., Any]) -> Iterator[bytes]:
        start("200 OK", [])
        try:
            while True:
                yield bytes(100_000)
        finally:
            over.set()

    house.server._server.application = endless
    connection = house.connect(sent=b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    end = time.monotonic() + 20
    while not over.is_set() and time.monotonic() < end:
        with suppress(ConnectionError):
            connection.recv(100_000)
        time.sleep(0.1)
    assert over.is_set()


def put_slowly(address: tuple[str, int], headers: str, size: int) -> tuple[int, bytes]:
    """Send a body in small parts until the server stops reading; return how much it took, and its answer."""
    with socket.create_connection(address, timeout=20) as connection:
        head = f"PUT /api/v1/blobs/{'0' * 64} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n{headers}\r\n"
        connection.sendall(head.encode())
        connection.settimeout(0.5)
        sent, answer = 0, b""
        while sent < size and not answer:
            try:
                sent += connection.send(bytes(min(65536, size - sent)))
            except (TimeoutError, ConnectionError):
                break
            connection.setblocking(False)
            with suppress(BlockingIOError):
                answer = connection.recv(4096)
            connection.settimeout(0.5)
            time.sleep(0.002)
        connection.settimeout(20)
        return sent, answer or connection.recv(4096)


@pytest.mark.parametrize("headers", ["", "Authorization: Bearer wrong\r\n", "Origin: https://elsewhere.example\r\n"])
def test_a_stranger_is_refused_before_the_body_is_read(
    serve: Callable[..., Site], headers: str, tmp_path: Path
) -> None:
    Tokens(open_database(Config(tmp_path))).create("alice")
    site = serve("--workers", "0", "--proxied")
    host, _, port = site.root.removeprefix("http://").partition(":")
    sent, answer = put_slowly((host, int(port)), headers, 60_000_000)
    assert answer.startswith(b"HTTP/1.1 403" if "Origin" in headers else b"HTTP/1.1 401")
    assert b"application/problem+json" in answer and sent < 20_000_000
    assert b"x-request-id" in answer.lower()


def test_a_token_may_send_a_large_body(serve: Callable[..., Site], tmp_path: Path) -> None:
    token = Tokens(open_database(Config(tmp_path))).create("alice")
    site = serve("--workers", "0", "--proxied")
    content = bytes(5_000_000)
    url = f"{site.url}/blobs/{'0' * 64}"
    answer = requests.put(url, data=content, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (422, "digest_mismatch")
    parts = (content[start : start + 50_000] for start in range(0, len(content), 50_000))
    answer = requests.put(url, data=parts, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (422, "digest_mismatch")
    refused = requests.put(url, data=content, headers={"Authorization": "Bearer wrong"}, timeout=30)
    assert refused.status_code == 401, "the answer arrives although the body was not read"


def test_the_login_page_takes_a_token_and_nothing_large(serve: Callable[..., Site], tmp_path: Path) -> None:
    token = Tokens(open_database(Config(tmp_path))).create("alice")
    site = serve("--workers", "0", "--proxied")
    entered = requests.post(f"{site.root}/login", data={"token": token}, timeout=30, allow_redirects=False)
    assert entered.status_code == 303
    assert requests.post(f"{site.root}/login", data={"token": "x" * 10_000_000}, timeout=30).status_code == 401


def test_log_lines_name_the_client_also_behind_a_proxy(tmp_path: Path, environment: dict[str, str]) -> None:
    token = Tokens(open_database(Config(tmp_path))).create("alice")
    command = [sys.executable, "-m", "server", "serve", "--listen", "127.0.0.1:0", "--device", "cpu", "--workers", "0"]
    command += ["--data", str(tmp_path), "--proxied"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
        assert process.stdout is not None and process.stderr is not None
        url = process.stdout.readline().split()[-1]
        headers = {"Authorization": f"Bearer {token}"}
        for more in ({}, {"X-Forwarded-For": "192.0.2.7"}, {"X-Forwarded-For": "203.0.113.9, 192.0.2.8"}):
            assert requests.get(f"{url}/api/v1/info", headers=headers | more, timeout=30).status_code == 200
        process.terminate()
        lines = [json.loads(line) for line in process.stderr.read().splitlines()]
    clients = [line["client"] for line in lines if line["logger"] == "server.access"]
    assert clients == ["127.0.0.1", "192.0.2.7", "192.0.2.8"]
