# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that do not complete their handshake do not keep others out."""

import socket
import ssl
import time
from collections.abc import Callable

import pytest
import requests

from server.http import tls
from server.http.tls import TlsFront

from .conftest import WAIT_SECONDS, Pems, echo, is_closed


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
