# SPDX-License-Identifier: GPL-3.0-or-later
"""A thread that the server cannot do without. An error does not end it: it begins again."""

import logging
import threading
from collections.abc import Callable

RESTART_SECONDS = 5.0
"""How long it waits after an error before it begins again."""

logger = logging.getLogger(__name__)


class LastingThread:
    """Runs `work` until `stopping` is set. `work` returns when that is so; if it ends with an error, it is run again.

    name: what it does, for the log.
    """

    def __init__(self, name: str, work: Callable[[], None], stopping: threading.Event) -> None:
        self._name = name
        self._work = work
        self._stopping = stopping
        self._has_failed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start it."""
        self._thread.start()

    def join(self, seconds: float | None = None) -> None:
        """Wait for its end, after `stopping` was set, for at most `seconds`."""
        self._thread.join(seconds)

    def is_well(self) -> bool:
        """Return whether it is running, and not waiting after an error."""
        return self._thread.is_alive() and not self._has_failed

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._work()
            except Exception:
                logger.exception("The thread %s ended with an error and begins again.", self._name)
                self._has_failed = True
                self._stopping.wait(RESTART_SECONDS)
                self._has_failed = False
