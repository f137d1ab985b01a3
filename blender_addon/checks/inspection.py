# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the checks of a take in a thread."""

from __future__ import annotations

import threading

from ..shared.errors import ShotError
from ..takes.take import Take
from .findings import Finding, inspect


class Inspection:
    """Checks a take; its findings so far can be read at any time.

    findings: in frame order. done, total: numbers of images. problem: why it ended early, or "".
    """

    def __init__(self, take: Take) -> None:
        self.take = take
        self.findings: list[Finding] = []
        self.done, self.total = 0, 1
        self.problem = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"LongAnimation checks {take.job}", daemon=True)

    def start(self) -> None:
        """Start the checks."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the current image."""
        self._stop.set()

    def wait(self) -> None:
        """Wait until everything is checked."""
        self._thread.join()

    @property
    def is_running(self) -> bool:
        """Whether the checks are still running."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            for done, total, found in inspect(self.take):
                self.done, self.total = done, total
                self.findings.extend(found)
                if self._stop.is_set():
                    return
        except (ShotError, OSError) as error:
            self.problem = str(error)
