# SPDX-License-Identifier: GPL-3.0-or-later
"""The TLS front, before a real waitress server and before bare sockets."""

import errno
import gc
import queue
import random
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
import waitress
from cryptography.hazmat.primitives import serialization
from waitress import wasyncore

from server.config import ConfigError
from server.http import tls
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
    """A backend without manners of its own."""
    bare = BareBackend()
    with bare.listener:
        yield bare


@pytest.fixture
def start(pems: Pems, caplog: pytest.LogCaptureFixture) -> Iterator[Callable[..., TlsFront]]:
    """Start a front before a backend. Whatever a test does to it, asyncio must find nothing to complain of."""
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


def test_a_request_arrives_over_tls_and_the_answer_comes_back(front: TlsFront, pems: Pems) -> None:
    assert echo(front, pems, b"lantern") == b"lantern"
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"https://127.0.0.1:{front.port}/", timeout=WAIT_SECONDS)  # the system does not know our authority


def test_it_listens_on_ipv6_too(start: Callable[..., TlsFront], backend: Backend, pems: Pems) -> None:
    try:
        front = start(backend.address, host="::1")
    except OSError:
        pytest.skip("this machine has no IPv6")
    assert echo(front, pems, host="[::1]") == b"lantern"


def test_one_connection_carries_many_requests(front: TlsFront, pems: Pems) -> None:
    with requests.Session() as session:
        for number in range(50):
            body = str(number).encode()
            response = session.post(
                f"https://localhost:{front.port}/echo", body, verify=str(pems.authority), timeout=WAIT_SECONDS
            )
            assert response.content == body


def test_a_large_upload_and_download_arrive_unchanged(front: TlsFront, pems: Pems) -> None:
    body = random.Random(1).randbytes(20_000_000)
    assert echo(front, pems, body) == body


def test_a_refusal_arrives_although_the_client_is_still_sending(front: TlsFront, pems: Pems) -> None:
    for _ in range(5):
        with pytest.raises(requests.exceptions.HTTPError, match="413"):
            echo(front, pems, bytes(BODY_BYTES + 1))


def test_many_clients_are_served_at_once(front: TlsFront, pems: Pems) -> None:
    bodies = [random.Random(seed).randbytes(500_000) for seed in range(12)]
    answers: dict[int, bytes] = {}
    threads = [
        threading.Thread(target=lambda n=number: answers.update({n: echo(front, pems, bodies[n])}))
        for number in range(len(bodies))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answers[number] for number in range(len(bodies))] == bodies


def test_events_arrive_one_by_one_and_not_only_at_the_end(front: TlsFront, backend: Backend, pems: Pems) -> None:
    backend.events.put("0")
    url = f"https://127.0.0.1:{front.port}/events"
    with requests.get(url, stream=True, verify=str(pems.authority), timeout=WAIT_SECONDS) as response:
        lines = (line for line in response.iter_lines(chunk_size=1) if line)
        for number in range(5):
            assert next(lines) == f"data: {number}".encode()
            backend.events.put(str(number + 1) if number < 4 else None)  # made only now that the one before arrived
        assert next(lines, None) is None


def test_plain_http_gets_no_answer(front: TlsFront, pems: Pems) -> None:
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(f"http://127.0.0.1:{front.port}/", timeout=WAIT_SECONDS)
    assert echo(front, pems) == b"lantern"


@pytest.mark.parametrize(("version", "is_answered"), [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True)])
def test_tls_1_2_is_the_least_that_is_spoken(
    front: TlsFront, knock: Callable[[TlsFront], socket.socket], version: ssl.TLSVersion, is_answered: bool
) -> None:
    context = ssl.create_default_context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    hello = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost").do_handshake()
    except ssl.SSLWantReadError:
        pass
    except ssl.SSLError:
        pytest.skip("this Python speaks no TLS 1.1 itself")
    connection = knock(front)
    connection.sendall(hello.read())
    handshake_record = b"\x16"
    assert (connection.recv(1) == handshake_record) == is_answered


def test_stalled_handshakes_do_not_keep_others_out(
    front: TlsFront, pems: Pems, knock: Callable[[TlsFront], socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "CONNECTIONS", 10)
    monkeypatch.setattr(tls, "HANDSHAKE_SECONDS", 10 * WAIT_SECONDS)
    stalled = [knock(front) for _ in range(30)]
    assert echo(front, pems) == b"lantern"
    assert is_closed(stalled[0]), "the oldest had to give way"


def test_a_handshake_that_takes_too_long_is_given_up(
    front: TlsFront, knock: Callable[[TlsFront], socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "HANDSHAKE_SECONDS", 0.2)
    assert is_closed(knock(front))


def test_when_all_places_are_taken_a_further_client_is_closed_until_one_leaves(
    front: TlsFront, pems: Pems, shake_hands: Callable[[TlsFront], ssl.SSLSocket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "CONNECTIONS", 2)
    inside = [shake_hands(front), shake_hands(front)]
    for connection in inside:
        connection.sendall(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 200"
    with pytest.raises(requests.exceptions.ConnectionError):
        echo(front, pems)
    inside[0].close()
    end = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            assert echo(front, pems) == b"lantern"
            break
        except requests.exceptions.ConnectionError:
            assert time.monotonic() < end
            time.sleep(0.05)


def test_a_silent_connection_is_dropped_and_one_that_gets_events_stays(
    front: TlsFront,
    backend: Backend,
    shake_hands: Callable[[TlsFront], ssl.SSLSocket],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tls, "IDLE_SECONDS", 1.5)
    silent, listening = shake_hands(front), shake_hands(front)
    listening.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    for number in range(12):
        backend.events.put(f"<{number}>")
        time.sleep(0.2)
    backend.events.put("<last>")
    assert silent.recv(1) == b""
    received = b""
    while b"<last>" not in received:
        received += listening.recv(1000)
    assert all(f"<{number}>".encode() in received for number in range(12))


def test_when_the_backend_closes_a_slow_client_has_all_of_it_and_a_goodbye(
    start: Callable[..., TlsFront],
    bare: BareBackend,
    shake_hands: Callable[[TlsFront], ssl.SSLSocket],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tls, "LINGER_SECONDS", 0.0)
    client = shake_hands(start(bare.address))
    sent = random.Random(2).randbytes(10_000_000)

    def send_all_and_close() -> None:
        with bare.accept() as connection:
            connection.sendall(sent)

    sender = threading.Thread(target=send_all_and_close)
    sender.start()
    received = bytearray()
    while chunk := client.recv(16_000):
        received += chunk
        time.sleep(0.001)
    sender.join()
    assert received == sent


def test_when_the_client_closes_the_backend_has_all_of_it_and_learns_of_the_end(
    start: Callable[..., TlsFront], bare: BareBackend, shake_hands: Callable[[TlsFront], ssl.SSLSocket]
) -> None:
    client = shake_hands(start(bare.address))
    with bare.accept() as connection:
        client.sendall(b"farewell" * 10_000)
        client.unwrap()
        received = b""
        while chunk := connection.recv(100_000):
            received += chunk
    assert received == b"farewell" * 10_000


def test_a_client_that_is_lost_while_it_is_answered_leaves_no_trace(
    start: Callable[..., TlsFront], bare: BareBackend, shake_hands: Callable[[TlsFront], ssl.SSLSocket]
) -> None:
    front = start(bare.address)
    for _ in range(10):
        client = shake_hands(front)
        with bare.accept() as connection:
            connection.sendall(bytes(100_000))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing resets it
            client.close()
            with suppress(ConnectionError):
                connection.sendall(bytes(10_000_000))


def test_a_client_that_does_not_read_holds_its_backend_back(
    start: Callable[..., TlsFront], bare: BareBackend, shake_hands: Callable[[TlsFront], ssl.SSLSocket]
) -> None:
    _client = shake_hands(start(bare.address))
    with bare.accept() as connection:
        connection.settimeout(1.0)
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 200_000_000:
                sent += connection.send(bytes(100_000))


def test_a_backend_that_refuses_closes_the_client_and_nothing_else(
    start: Callable[..., TlsFront], backend: Backend, pems: Pems
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = gone.getsockname()
    front = start(address)
    for _ in range(2):
        with pytest.raises(requests.exceptions.ConnectionError):
            echo(front, pems)


def test_stop_ends_everything_that_was_open(
    pems: Pems,
    bare: BareBackend,
    start: Callable[..., TlsFront],
    knock: Callable[[TlsFront], socket.socket],
    shake_hands: Callable[[TlsFront], ssl.SSLSocket],
) -> None:
    before = set(threading.enumerate())
    front = start(bare.address)
    stalled, client = knock(front), shake_hands(front)
    with bare.accept() as connection:
        assert set(threading.enumerate()) > before
        front.stop()
        assert set(threading.enumerate()) == before
        assert is_closed(stalled) and is_closed(client) and is_closed(connection)
    with pytest.raises(ConnectionRefusedError):
        knock(front)
    front.stop()  # once more does no harm


def test_what_the_backend_has_said_still_arrives_when_the_front_is_stopped(
    start: Callable[..., TlsFront],
    bare: BareBackend,
    shake_hands: Callable[[TlsFront], ssl.SSLSocket],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tls, "LAST_SECONDS", WAIT_SECONDS)
    front = start(bare.address)
    client = shake_hands(front)
    sent = random.Random(3).randbytes(2_000_000)
    received = bytearray()
    with bare.accept() as connection:
        sender = threading.Thread(target=connection.sendall, args=(sent,))
        sender.start()
        received += client.recv(16_000)
        stopping = threading.Thread(target=front.stop)
        stopping.start()
        while len(received) < len(sent) and (chunk := client.recv(16_000)):
            received += chunk
        sender.join()
    stopping.join()
    assert received == sent


def test_stop_without_start_does_no_harm(pems: Pems) -> None:
    TlsFront("127.0.0.1", 0, ("127.0.0.1", 1), pems.certificate, pems.key).stop()


def test_a_port_in_use_is_told_to_who_starts_it(pems: Pems, bare: BareBackend) -> None:
    front = TlsFront("127.0.0.1", bare.address[1], ("127.0.0.1", 1), pems.certificate, pems.key)
    with pytest.raises(OSError) as refusal:
        front.start()
    assert refusal.value.errno == errno.EADDRINUSE
    front.stop()


def _encrypted_key() -> bytes:
    key = serialization.load_pem_private_key(SERVER.private_key_pem.bytes(), None)
    encryption = serialization.BestAvailableEncryption(b"secret")
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


@pytest.mark.parametrize(
    "key",
    [None, b"", b"not a key", CA.issue_cert("localhost").private_key_pem.bytes(), _encrypted_key()],
    ids=["missing", "empty", "malformed", "another's", "encrypted"],
)
def test_a_key_that_cannot_be_used_is_refused_with_a_sentence(pems: Pems, key: bytes | None) -> None:
    if key is None:
        pems.key.unlink()
    else:
        pems.key.write_bytes(key)
    with pytest.raises(ConfigError, match=r"key\.pem .*PEM file .* unencrypted key\.$"):
        TlsFront("127.0.0.1", 0, ("127.0.0.1", 1), pems.certificate, pems.key)


def test_a_certificate_that_cannot_be_used_is_refused_with_a_sentence(pems: Pems, tmp_path: Path) -> None:
    pems.certificate.write_bytes(b"not a certificate")
    for certificate in (pems.certificate, tmp_path / "certificate", tmp_path):
        with pytest.raises(ConfigError, match=r"PEM file .* unencrypted key\.$") as refusal:
            TlsFront("127.0.0.1", 0, ("127.0.0.1", 1), certificate, pems.key)
        assert str(certificate) in str(refusal.value)
