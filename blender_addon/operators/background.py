# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs slow work in a thread."""

import threading
from collections.abc import Callable
from typing import TypeVar

import bpy

from .. import notices
from ..shared.errors import ColorError
from ..widgets import redraw

Result = TypeVar("Result")

_PERIOD = 0.1


def in_thread(work: Callable[[], Result], use: Callable[[Result], None], doing: str = "") -> None:
    """Run `work`, which must not use Blender, in a thread, and pass its result to `use` on the main thread.

    `work` may raise ColorError and OSError, which are shown as notices. doing: a notice that is shown until it ends.
    """
    results: list[Result] = []
    problems: list[Exception] = []

    def run() -> None:
        try:
            results.append(work())
        except (ColorError, OSError) as error:
            problems.append(error)

    def poll() -> float | None:
        if thread.is_alive():
            return _PERIOD
        notices.withdraw(doing)
        for result in results:
            use(result)
        for problem in problems:
            notices.show_error(problem)
        redraw()
        return None

    if doing:
        notices.show(doing, good=True)
    thread = threading.Thread(target=run, name="LongAnimation work", daemon=True)
    thread.start()
    bpy.app.timers.register(poll, first_interval=_PERIOD, persistent=True)
