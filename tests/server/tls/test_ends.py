# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections end when they should, after all pending data has arrived."""

import random
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
import requests

from server.http import tls
from server.http.tls import TlsFront

from .conftest import WAIT_SECONDS, Backend, BareBackend, Pems, echo, is_closed

pytestmark = pytest.mark.slow


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
