# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy for a server, on loopback, that records requests."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests


@dataclass(frozen=True)
class Asked:
    """A request that passed, and its answer."""

    path: str
    headers: Mapping[str, str]
    status: int


@contextmanager
def recorded(server: str) -> Iterator[tuple[str, list[Asked]]]:
    """Pass GET requests on to `server`. Yields the address for them, and the list to which each request is added."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name: text for name, text in self.headers.items() if name not in ("Host", "Connection")}
            answer = requests.get(server + self.path, headers=headers, timeout=30)
            asked.append(Asked(self.path, headers, answer.status_code))
            self.send_response(answer.status_code)
            for name in ("Content-Type", "Content-Length"):
                self.send_header(name, answer.headers[name])
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as proxy:
        thread = threading.Thread(target=proxy.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{proxy.server_port}", asked
        proxy.shutdown()
        thread.join()
