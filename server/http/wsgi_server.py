# SPDX-License-Identifier: GPL-3.0-or-later
"""The WSGI server: waitress, with problem documents for the requests that it refuses, and with a graceful shutdown.

waitress documents neither a graceful shutdown nor how to change its error answers. Only this file relies on its
internals; `tests/server/test_wsgi_server.py` names them and fails when a new version of waitress changes one.
"""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import waitress
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask

from shared.codec import to_json

from .problems import MEDIA_TYPE, problem_of_status

DRAIN_SECONDS = 5.0
"""How long requests and answers in progress may take when the server stops."""


class WsgiServer:
    """Listens for plain HTTP, and serves `application` until it is stopped.

    host, port: where to listen; port 0 takes a free one. options: further settings of waitress. Raises OSError if the
    address is not available.
    """

    def __init__(self, application: Callable[..., Any], host: str, port: int, **options: Any) -> None:
        # With a lookahead, waitress notices a closed connection while its answer is still being made.
        self._server: Any = waitress.create_server(
            application, host=host, port=port, channel_request_lookahead=1, **options
        )
        self._server.channel_class = ProblemChannel
        self._stopping = threading.Event()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.effective_port)

    def run(self) -> None:
        """Serve until `stop` is called. Then accept no more connections, and finish the requests in progress, for at
        most DRAIN_SECONDS."""
        while not self._stopping.is_set():
            self._turn(self._server.adj.asyncore_loop_timeout)
        wasyncore.dispatcher.close(self._server)  # only the listener; threads still need the trigger
        end = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < end and any(map(_is_busy, list(self._server.active_channels.values()))):
            self._turn(0.1)
        self._server.task_dispatcher.shutdown(timeout=1)

    def stop(self) -> None:
        """Let `run` end, from a signal handler or another thread."""
        self._stopping.set()
        self._server.pull_trigger()

    def close(self) -> None:
        """Close all remaining connections."""
        self._server.close()

    def _turn(self, seconds: float) -> None:
        self._server.asyncore.loop(
            timeout=seconds, map=self._server._map, use_poll=self._server.adj.asyncore_use_poll, count=1
        )


def _is_busy(channel: Any) -> bool:
    """Return whether a request is arriving or being processed, or its answer is being sent."""
    return channel.request is not None or bool(channel.requests) or channel.total_outbufs_len > 0


class _ProblemTask(ErrorTask):  # type: ignore[misc]  # waitress has no types
    """Answers requests that waitress refuses before Flask sees them (too large, malformed)."""

    def execute(self) -> None:
        refusal = self.request.error
        body = json.dumps(to_json(problem_of_status(refusal.code, refusal.reason))).encode()
        self.status = f"{refusal.code} {refusal.reason}"
        self.response_headers.append(("Content-Type", MEDIA_TYPE))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Parser(HTTPRequestParser):  # type: ignore[misc]
    """Refuses requests on which waitress would close the connection, such as an invalid address or a length with
    thousands of digits."""

    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except ValueError as error:
            raise ParsingError("The header cannot be read.") from error


class ProblemChannel(HTTPChannel):  # type: ignore[misc]
    """A channel whose own refusals are also problem documents."""

    error_task_class = _ProblemTask
    parser_class = _Parser
