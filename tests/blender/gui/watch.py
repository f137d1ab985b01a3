# SPDX-License-Identifier: GPL-3.0-or-later
"""The time that Blender's main thread is away from its event loop, and the extension's share of it."""

from __future__ import annotations

import functools
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import bpy

from server.demo.in_blender.extension import EXTENSION

from .classes import is_ours, registered

_PERIOD = 0.005
_METHODS = ("poll", "draw", "draw_header", "draw_item", "filter_items", "invoke", "execute", "modal", "check", "cancel")


class Watch:
    """Notes when a timer is called, and how long each callback of the extension takes.

    Gaps are what an animator feels: they hold Blender's own redraws too, which the processor does under Xvfb.
    The calls are the extension's part. Times are kept apart by phase; the first is "start".
    """

    def __init__(self) -> None:
        self.phase = "start"
        self._gaps: dict[str, list[float]] = defaultdict(list)
        self._calls: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        self._timers: dict[Callable, Callable] = {}
        self._last: float | None = None
        bpy.app.timers.register(self._tick, persistent=True)
        self._wrap_timers()

    def ticks(self, phase: str) -> int:
        """How often the event loop came round in a phase."""
        return len(self._gaps[phase])

    def calls(self, name: str) -> int:
        """How often a callback was called, named as in the report: `LONGANIMATION_PT_view_shot.draw`."""
        return sum(len(calls[name]) for calls in self._calls.values() if name in calls)

    def wrap_classes(self) -> None:
        """Time the methods of the extension's classes from now on; call it when the extension is enabled."""
        for base in (bpy.types.Panel, bpy.types.Operator, bpy.types.Menu, bpy.types.UIList, bpy.types.AddonPreferences):
            for kind in registered(base):
                self._wrap_class(kind, [owner for owner in kind.__mro__ if owner is kind or is_ours(owner)])

    def report(self) -> dict[str, Any]:
        """Milliseconds: median, 95 % and longest, of the gaps and of the callbacks, for each phase."""
        return {
            phase: {
                "gaps": _distribution(gaps),
                "extension": {name: _distribution(times) for name, times in sorted(self._calls[phase].items())},
            }
            for phase, gaps in self._gaps.items()
        }

    def _tick(self) -> float:
        now = time.perf_counter()
        if self._last is not None:
            self._gaps[self.phase].append(now - self._last)
        self._last = now
        return _PERIOD

    def _timed(self, name: str, function: Callable) -> Callable:
        @functools.wraps(function)
        def timed(*positional: Any, **named: Any) -> Any:
            begin = time.perf_counter()
            try:
                return function(*positional, **named)
            finally:
                self._calls[self.phase][name].append(time.perf_counter() - begin)

        return timed

    def _wrap_class(self, kind: type, owners: list[type]) -> None:
        for method in _METHODS:
            found = next((vars(owner)[method] for owner in owners if method in vars(owner)), None)
            name = f"{getattr(kind, 'bl_idname', '') or kind.__name__}.{method}"
            if isinstance(found, classmethod):
                setattr(kind, method, classmethod(self._timed_method(name, found.__func__)))
            elif found is not None:
                setattr(kind, method, self._timed_method(name, found))

    def _timed_method(self, name: str, function: Any) -> Callable:
        """A timed function with as many named arguments: Blender passes only so many as it counts."""
        arguments = ", ".join(function.__code__.co_varnames[: function.__code__.co_argcount])
        return eval(f"lambda {arguments}: _timed({arguments})", {"_timed": self._timed(name, function)})

    def _wrap_timers(self) -> None:
        """Time the extension's timers: from now on `bpy.app.timers` gives Blender timed functions in their place."""
        timers = bpy.app.timers
        register, unregister, is_registered = timers.register, timers.unregister, timers.is_registered

        def stand_in(function: Callable) -> Callable:
            if not getattr(function, "__module__", "").startswith(EXTENSION):
                return function
            name = f"timer {function.__module__.removeprefix(EXTENSION)}.{function.__qualname__}"
            return self._timers.setdefault(function, self._timed(name, function))

        timers.register = lambda function, **options: register(stand_in(function), **options)
        timers.unregister = lambda function: unregister(stand_in(function))
        timers.is_registered = lambda function: is_registered(stand_in(function))


def _distribution(seconds: list[float]) -> dict[str, float]:
    times = sorted(1000 * one for one in seconds)
    return {
        "count": len(times),
        "median": round(statistics.median(times), 2),
        "95 %": round(times[min(len(times) - 1, int(0.95 * len(times)))], 2),
        "longest": round(times[-1], 2),
    }
