# SPDX-License-Identifier: GPL-3.0-or-later
"""A small WSGI application and the servers that can run it, each with TLS. Run as a program, it is one such server:
`python -m benchmarks.wsgi_servers NAME PORT CERTIFICATE KEY`."""

import asyncio
import hashlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

THREADS = 128
SLOW_SECONDS = 2.0
"""How long the answer to `/slow` takes."""
TICK_SECONDS = 0.2
"""How often `/stream` sends a line."""
ANSWER = b"x" * 500
_ended = 0
"""How many endless answers were given up."""


def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """Answer what the server's own application answers: small files, digests of uploads, streams."""
    path = environ["PATH_INFO"]
    if path == "/stream":
        start("200 OK", [("Content-Type", "text/event-stream")])
        return _ticks()
    if path == "/endless":
        start("200 OK", [("Content-Type", "application/octet-stream")])
        return _endless()
    if environ["REQUEST_METHOD"] == "PUT" and path != "/refuse":
        digest, left = hashlib.sha256(), int(environ["CONTENT_LENGTH"])
        while left and (part := environ["wsgi.input"].read(min(left, 1 << 20))):
            digest.update(part)
            left -= len(part)
        content = digest.hexdigest().encode()
    else:
        if path == "/slow":
            time.sleep(SLOW_SECONDS)
        content = str(_ended).encode() if path == "/ended" else ANSWER
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(content)))])
    return [content]


def _ticks() -> Iterable[bytes]:
    while True:
        yield f"data: {time.monotonic()}\n\n".encode()
        time.sleep(TICK_SECONDS)


def _endless() -> Iterable[bytes]:
    global _ended
    try:
        while True:
            yield bytes(1_000_000)
    finally:
        _ended += 1


def _admits(environ: dict[str, Any]) -> bool:
    return bool(environ["PATH_INFO"] != "/refuse")


def _ours(port: int, files: tuple[Path, Path]) -> None:
    from server.http.tls import TlsFront
    from server.http.wsgi_server import WsgiServer

    server = WsgiServer(application, "127.0.0.1", 0, admits=_admits, threads=THREADS, max_request_body_size=50_000_000)
    front = TlsFront("127.0.0.1", port, ("127.0.0.1", server.port), *files)
    signal.signal(signal.SIGTERM, lambda *_: server.stop())
    server.stand_behind(front.find_client)
    front.start()
    server.run()
    front.stop()
    server.close()


def _cheroot(port: int, files: tuple[Path, Path]) -> None:
    server = import_module("cheroot.wsgi").Server(("127.0.0.1", port), application, numthreads=THREADS)
    server.keep_alive_conn_limit = THREADS  # 10 by default
    server.ssl_adapter = import_module("cheroot.ssl.builtin").BuiltinSSLAdapter(*map(str, files))
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.stop).start())
    server.start()


def _hypercorn(port: int, files: tuple[Path, Path]) -> None:
    config = import_module("hypercorn.config").Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.certfile, config.keyfile = map(str, files)
    config.graceful_timeout = 5.0
    config.alpn_protocols = ["http/1.1"]

    async def run() -> None:
        from concurrent.futures import ThreadPoolExecutor

        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(THREADS))
        await import_module("hypercorn.asyncio").serve(application, config, mode="wsgi")

    asyncio.run(run())


def _granian(port: int, files: tuple[Path, Path]) -> None:
    certificate, key = files
    server = import_module("granian").Granian(
        "benchmarks.wsgi_servers:application",
        address="127.0.0.1",
        port=port,
        interface="wsgi",
        blocking_threads=THREADS,
        ssl_cert=certificate,
        ssl_key=key,
        http="1",
        workers_kill_timeout=8,
    )
    server.serve()


SERVERS: dict[str, Callable[[int, tuple[Path, Path]], None]] = {
    "ours": _ours,
    "cheroot": _cheroot,
    "hypercorn": _hypercorn,
    "granian": _granian,
}


def installed() -> list[str]:
    """Return the names of the servers that can run here."""
    return [name for name in SERVERS if name == "ours" or find_spec(name)]


if __name__ == "__main__":
    SERVERS[sys.argv[1]](int(sys.argv[2]), (Path(sys.argv[3]), Path(sys.argv[4])))
