# SPDX-License-Identifier: GPL-3.0-or-later
"""What the command prints: results on the standard output, everything else on the standard error."""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Any

_log = logging.getLogger(__package__)


class Report:
    """Prints progress and results.

    as_json: a result is a line of JSON instead of a sentence. openjd: progress goes to the standard output as well, in
    the format of Open Job Description (How Jobs Are Run, "Stdout messages").
    """

    def __init__(self, as_json: bool, openjd: bool) -> None:
        self._as_json = as_json
        self._openjd = openjd
        self._last_line = ""
        # Blender writes its own messages to the standard output; from now on they go to the standard error.
        sys.stdout.flush()
        self._results = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def progress(self, fraction: float, text: str) -> None:
        """Print the overall progress (0 to 1) and the current step."""
        line = f"{round(100 * fraction):3d}% {text}"
        if line == self._last_line:
            return
        self._last_line = line
        _log.info("%s", line)
        if self._openjd:
            self._print(f"openjd_progress: {100 * fraction:.1f}")
            self._print(f"openjd_status: {text}")

    def result(self, values: dict[str, Any], sentence: str) -> None:
        """Print a result: its values for programs, or the sentence for people."""
        self._print(json.dumps(values) if self._as_json else sentence)
        if self._openjd and values["problem"]:
            self._print(f"openjd_fail: {sentence}")

    def failure(self, sentence: str) -> None:
        """Print why nothing was done."""
        _log.error("%s", sentence)
        if self._as_json:
            self._print(json.dumps({"problem": sentence}))
        if self._openjd:
            self._print(f"openjd_fail: {sentence}")

    def _print(self, line: str) -> None:
        print(line, file=self._results, flush=True)
