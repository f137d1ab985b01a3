# SPDX-License-Identifier: GPL-3.0-or-later
"""A TLS front end for a real waitress server, and for bare sockets."""

import gc
import queue
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
import waitress
from waitress import wasyncore

from server.http.tls import TlsFront

WAIT_SECONDS = 20.0

BODY_BYTES = 25_000_000

CA = trustme.CA()

SERVER = CA.issue_cert("localhost", "127.0.0.1", "::1")


class Pems:
    """The certificate, its key, and the authority that clients trust, as files."""

    def __init__(self, folder: Path) -> None:
        self.certificate = folder / "certificate.pem"
        self.certificate.write_bytes(b"".join(pem.bytes() for pem in SERVER.cert_chain_pems))
        self.key = folder / "key.pem"
        self.key.write_bytes(SERVER.private_key_pem.bytes())
        self.authority = folder / "authority.pem"
        self.authority.write_bytes(CA.cert_pem.bytes())


class Backend:
    """A waitress server in a thread: `/echo` gives the body back, `/events` what is put into `events`, until None."""

    def __init__(self) -> None:
        self.events: queue.Queue[str | None] = queue.Queue()
        self.server = waitress.create_server(self.answer, host="127.0.0.1", port=0, max_request_body_size=BODY_BYTES)
        self.address = ("127.0.0.1", self.server.effective_port)
        self.is_stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def answer(self, environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        """Answer a request, as WSGI wants it."""
        if environ["PATH_INFO"] == "/events":
            start_response("200 OK", [("Content-Type", "text/event-stream")])
            return (f"data: {event}\n\n".encode() for event in iter(self.events.get, None))
        body = environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    def stop(self) -> None:
        """Close all and join the thread."""
        self.events.put(None)
        self.is_stopping.set()
        self.thread.join()

    def _run(self) -> None:
        while not self.is_stopping.is_set():
            wasyncore.loop(timeout=0.05, map=self.server._map, count=1)
        self.server.task_dispatcher.shutdown()
        wasyncore.close_all(self.server._map)


class BareBackend:
    """A backend whose only connection the test itself reads and writes."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(WAIT_SECONDS)
        self.address = self.listener.getsockname()

    def accept(self) -> socket.socket:
        """Wait for the front's connection."""
        connection, _ = self.listener.accept()
        connection.settimeout(WAIT_SECONDS)
        return connection


@pytest.fixture
def pems(tmp_path: Path) -> Pems:
    """Files of a good certificate."""
    return Pems(tmp_path)


@pytest.fixture
def backend() -> Iterator[Backend]:
    """A waitress server."""
    backend = Backend()
    yield backend
    backend.stop()


@pytest.fixture
def bare() -> Iterator[BareBackend]:
    """A backend that the test controls byte by byte."""
    bare = BareBackend()
    with bare.listener:
        yield bare


@pytest.fixture
def start(pems: Pems, caplog: pytest.LogCaptureFixture) -> Iterator[Callable[..., TlsFront]]:
    """Start a front end for a backend. Whatever a test does to it, asyncio must report no error."""
    with ExitStack() as fronts:

        def start(address: tuple[str, int], host: str = "127.0.0.1") -> TlsFront:
            front = TlsFront(host, 0, address, pems.certificate, pems.key)
            front.start()
            fronts.callback(front.stop)
            return front

        yield start
    gc.collect()  # asyncio tells of forgotten exceptions when a task is collected
    assert not [record for record in caplog.get_records("call") if record.name == "asyncio" and record.levelno > 20]


@pytest.fixture
def front(start: Callable[..., TlsFront], backend: Backend) -> TlsFront:
    """A front before waitress."""
    return start(backend.address)


@pytest.fixture
def knock() -> Iterator[Callable[[TlsFront], socket.socket]]:
    """Connect to a front without a handshake."""
    with ExitStack() as connections:

        def knock(front: TlsFront) -> socket.socket:
            return connections.enter_context(socket.create_connection(("127.0.0.1", front.port), WAIT_SECONDS))

        yield knock


@pytest.fixture
def shake_hands(pems: Pems) -> Iterator[Callable[[TlsFront], ssl.SSLSocket]]:
    """Connect to a front with TLS; what a client does not read, its system does not hold for it."""
    context = ssl.create_default_context(cafile=str(pems.authority))
    with ExitStack() as connections:

        def shake_hands(front: TlsFront) -> ssl.SSLSocket:
            plain = socket.socket()
            plain.settimeout(WAIT_SECONDS)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
            plain.connect(("127.0.0.1", front.port))
            # An end without TLS' own goodbye is an error then, as it should be.
            connection = context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False)
            return connections.enter_context(connection)

        yield shake_hands


def echo(front: TlsFront, pems: Pems, body: bytes = b"lantern", host: str = "127.0.0.1") -> bytes:
    """Send a body to waitress and return what comes back."""
    url = f"https://{host}:{front.port}/echo"
    response = requests.post(url, data=body, verify=str(pems.authority), timeout=WAIT_SECONDS)
    response.raise_for_status()
    return response.content


def is_closed(connection: socket.socket) -> bool:
    """Wait for data or the end; tell whether it is the end."""
    try:
        return connection.recv(1) == b""
    except (ConnectionError, ssl.SSLEOFError):
        return True
