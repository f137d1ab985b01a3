# SPDX-License-Identifier: GPL-3.0-or-later
"""The WSGI server: waitress, with limits of its own, problem documents for refused requests, and a graceful shutdown.

waitress documents none of these. Only this file, `listener.py` and `channel.py` rely on its internals;
`tests/server/test_wsgi_server.py` names them and fails when a new version of waitress changes one.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from waitress import wasyncore

from .listener import Address, Listener

DRAIN_SECONDS = 5.0
"""How long requests and answers in progress may take when the server stops."""


def _admit_everybody(_environ: dict[str, Any]) -> bool:
    return True


class WsgiServer:
    """Listens for plain HTTP, and serves `application` until it is stopped.

    host, port: where to listen; port 0 takes a free one. admits: returns whether the sender of a WSGI environment may
    send a large body; called from threads. urgent: a path whose requests have a thread of their own. options: further
    settings of waitress. Raises OSError if the address is not available.
    """

    def __init__(
        self,
        application: Callable[..., Any],
        host: str,
        port: int,
        admits: Callable[[dict[str, Any]], bool] = _admit_everybody,
        urgent: str = "",
        **options: Any,
    ) -> None:
        # With a lookahead, waitress notices a closed connection while its answer is still being made.
        self._server: Any = Listener(
            application, admits, urgent, host=host, port=port, channel_request_lookahead=1, **options
        )
        self._stopping = threading.Event()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.effective_port)

    def stand_behind(self, find_client: Callable[[Address], Address]) -> None:
        """Take connections from a front end on this machine. find_client: returns the client's address for that of the
        front end's connection."""
        self._server.find_client = find_client

    def run(self) -> None:
        """Serve until `stop` is called. Then accept no more connections, and finish the requests in progress, for at
        most DRAIN_SECONDS."""
        while not self._stopping.is_set():
            self._turn(self._server.adj.asyncore_loop_timeout)
        wasyncore.dispatcher.close(self._server)  # only the listener; threads still need the trigger
        end = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < end and any(map(_is_busy, list(self._server.active_channels.values()))):
            self._turn(0.1)
        self._server.end_threads(1)

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
