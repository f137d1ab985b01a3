# SPDX-License-Identifier: GPL-3.0-or-later
"""Serving until told to stop, and then not hanging up on anybody: what is on its way arrives first."""

import threading
import time
from typing import Any

from waitress import wasyncore

DRAIN_SECONDS = 5.0
"""How long requests and answers that are on their way may take when the server is told to stop."""


def serve_until(server: Any, stopping: threading.Event) -> None:
    """Run a waitress server until `stopping` is set and its trigger pulled; then take no more connections, and go on
    until what was begun has ended, for DRAIN_SECONDS at most."""
    while not stopping.is_set():
        _turn(server)
    wasyncore.dispatcher.close(server)  # the listener alone: threads still need the trigger
    end = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < end and any(_is_busy(channel) for channel in list(server.active_channels.values())):
        _turn(server, 0.1)
    server.task_dispatcher.shutdown(timeout=1)


def _turn(server: Any, seconds: float | None = None) -> None:
    adjustments = server.adj
    server.asyncore.loop(
        timeout=adjustments.asyncore_loop_timeout if seconds is None else seconds,
        map=server._map,
        use_poll=adjustments.asyncore_use_poll,
        count=1,
    )


def _is_busy(channel: Any) -> bool:
    """Tell whether a request is arriving, being worked on, or its answer on the way."""
    return channel.request is not None or bool(channel.requests) or channel.total_outbufs_len > 0
