# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that connect and say nothing, or only slowly, with and without TLS: others are answered all the same."""

import random
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import requests
import trustme

from tests.faults.house import House

from .studio import Studio

CROWD = 300
"""Connections: more than a server holds."""
FLOOD_SECONDS = 6.0
PATIENCE_SECONDS = 5.0
"""How long others may wait for an answer."""
SENT = (b"", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", b"PUT /x HTTP/1.1\r\n", b"G")


def check_others(studio: Studio, house: House, seconds: float, rng: random.Random) -> Iterator[str]:
    """Ask a server for a while, and check that it answers."""
    end, slowest = time.monotonic() + seconds, 0.0
    while time.monotonic() < end:
        path = rng.choice(("/healthz", "/api/v1/info", "/api/v1/jobs"))
        begun = time.monotonic()
        try:
            status = studio.get(house, path).status_code
        except requests.RequestException as error:
            yield f"others: {path} was not answered: {type(error).__name__}"
            return
        took = time.monotonic() - begun
        slowest = max(slowest, took)
        studio.counts["requests of others"] += 1
        if status != 200:
            yield f"others: {path} was answered with {status}"
        if took > PATIENCE_SECONDS:
            yield f"others: {path} was answered after {took:.1f} s"
        time.sleep(0.05)
    studio.counts["slowest answer to others, ms"] = max(
        studio.counts["slowest answer to others, ms"], round(1000 * slowest)
    )


def strike(studio: Studio, rng: random.Random) -> Iterator[str]:
    """Flood a server with connections, then one with TLS."""
    yield from _flood(studio, studio.houses[1], rng)
    certificate = _certificate(studio.folder)
    options = ("--cert", str(studio.folder / "certificate.pem"), "--key", str(studio.folder / "key.pem"))
    with studio.new_house("tls.log", True, 0, options=options, authority=certificate) as house:
        house.start()
        house.wait_until_ready()
        yield from _flood(studio, house, rng)


def _flood(studio: Studio, house: House, rng: random.Random) -> Iterator[str]:
    crowd = _Crowd(house, rng.randrange(10**9))
    with crowd:
        yield from check_others(studio, house, FLOOD_SECONDS, rng)
    studio.counts["slow connections"] += crowd.opened
    if not studio.wait(lambda: studio.get(house, "/healthz").ok, 30):
        yield "a server does not answer after the flood"


class _Crowd:
    """Holds CROWD connections, lets some send a byte now and then, and opens those again that the server closes."""

    def __init__(self, house: House, seed: int) -> None:
        self.opened = 0
        self._address = ("127.0.0.1", int(house.url.rpartition(":")[2]))
        self._authority = house.authority
        self._rng = random.Random(seed)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "_Crowd":
        self._thread.start()
        while self.opened < CROWD and self._thread.is_alive():
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        context = None if self._authority is None else ssl.create_default_context(cafile=str(self._authority))
        with ExitStack() as stack:
            crowd = [self._open(stack, context) for _ in range(CROWD)]
            while not self._stopping.wait(0.05):
                for place in self._rng.sample(range(CROWD), 15):
                    one = crowd[place]
                    try:
                        if one is None:
                            raise ConnectionError
                        one.send(b"x")
                    except OSError:
                        if one is not None:
                            one.close()
                        crowd[place] = self._open(stack, context)

    def _open(self, stack: ExitStack, context: ssl.SSLContext | None) -> socket.socket | None:
        """Connect, shake hands over TLS half of the time, and send the beginning of a request or nothing."""
        self.opened += 1
        try:
            plain = stack.enter_context(socket.create_connection(self._address, timeout=2))
        except OSError:
            return None
        with suppress(OSError):
            if context is not None and self._rng.random() < 0.5:
                plain = stack.enter_context(context.wrap_socket(plain, server_hostname="localhost"))
            plain.sendall(self._rng.choice(SENT))
        return plain


def _certificate(folder: Path) -> Path:
    """Write a certificate and its key; return the file of its authority."""
    authority, path = trustme.CA(), folder / "authority.pem"
    server = authority.issue_cert("localhost", "127.0.0.1")
    (folder / "certificate.pem").write_bytes(b"".join(pem.bytes() for pem in server.cert_chain_pems))
    (folder / "key.pem").write_bytes(server.private_key_pem.bytes())
    path.write_bytes(authority.cert_pem.bytes())
    return path
