# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a scenario: a generator that gives control back to Blender's event loop wherever it yields."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import bpy

_TURN = 0.01
"""Seconds between two steps."""


class TooLate(AssertionError):
    """What a scenario waited for did not happen in its time."""


@dataclass(frozen=True)
class Until:
    """A wait; yield it to be called again when the condition holds."""

    condition: Callable[[], object]
    seconds: float
    what: str


Steps = Generator[Until | None, None, Any]
"""`yield` waits for a turn of the event loop, `yield until(…)` for a condition; `yield from` calls other steps."""


def until(condition: Callable[[], object], seconds: float, what: str) -> Until:
    """Wait until `condition()` is true; TooLate, which says `what`, is raised in the scenario after so many seconds."""
    return Until(condition, seconds, what)


def pause(seconds: float) -> Until:
    """Wait so long; the event loop goes on."""
    end = time.monotonic() + seconds
    return Until(lambda: time.monotonic() >= end, seconds + 60, "the end of a pause")


def turns(count: int) -> Steps:
    """Wait for so many turns of the event loop."""
    for _ in range(count):
        yield None


def play(steps: Steps, ended: Callable[[BaseException | None], None]) -> None:
    """Take the steps from a timer of Blender's; `ended` is called with None or with what the scenario raised."""
    waiting: Until | None = None
    deadline = 0.0

    def take_step() -> float | None:
        nonlocal waiting, deadline
        try:
            if waiting is None or waiting.condition():
                waiting = next(steps)
            elif time.monotonic() > deadline:
                waiting = steps.throw(TooLate(f"not within {waiting.seconds:g} s: {waiting.what}"))
            else:
                return _TURN
        except StopIteration:
            ended(None)
            return None
        except BaseException as error:  # whatever it is, the harness must hear of it
            ended(error)
            return None
        deadline = time.monotonic() + waiting.seconds if waiting else 0.0
        return _TURN

    bpy.app.timers.register(take_step, persistent=True)
