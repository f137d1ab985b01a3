# SPDX-License-Identifier: GPL-3.0-or-later
"""Data sent over TLS arrives, in both directions."""

import random
import threading
from collections.abc import Callable

import pytest
import requests

from server.http.tls import TlsFront

from .conftest import BODY_BYTES, WAIT_SECONDS, Backend, Pems, echo


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
