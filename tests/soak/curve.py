# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process holds over time, and whether it grows."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import psutil
from scipy.stats import theilslopes

KINDS = ("memory_mb", "descriptors", "threads")
WARM_UP = 0.3
"""The share of a curve in which caches and pools may fill."""
TOLERANCE = {"memory_mb": (0.05, 3.0), "descriptors": (0.05, 2.0), "threads": (0.05, 1.0)}
"""By how much a flat curve may rise after the warm-up: a share of its level, and what is added to that."""
MOST_POINTS = 60


@dataclass
class Curve:
    """Samples of one quantity. seconds: when each was taken."""

    seconds: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def add(self, second: float, value: float) -> None:
        """Add a sample."""
        self.seconds.append(second)
        self.values.append(value)

    @property
    def rise(self) -> float:
        """By how much it rose after the warm-up: the median of its slopes (Theil and Sen) times the time."""
        first = int(len(self.values) * WARM_UP)
        seconds, values = self.seconds[first:], self.values[first:]
        if len(values) < 3:
            return 0.0
        return float(theilslopes(values, seconds).slope) * (seconds[-1] - seconds[0])

    def is_flat(self, kind: str) -> bool:
        """Return whether it did not rise by more than a quantity of this kind may."""
        share, extra = TOLERANCE[kind]
        level = float(np.median(self.values[int(len(self.values) * WARM_UP) :] or [0.0]))
        return self.rise <= share * level + extra

    def to_json(self, kind: str) -> dict[str, object]:
        """Return the curve for a report: its verdict, its ends, and at most MOST_POINTS of its samples."""
        places = np.unique(np.linspace(0, len(self.values) - 1, MOST_POINTS).astype(int)) if self.values else []
        hours = (self.seconds[-1] - self.seconds[int(len(self.seconds) * WARM_UP)]) / 3600 if self.values else 0
        return {
            "flat": self.is_flat(kind),
            "first": self.values[0] if self.values else None,
            "last": self.values[-1] if self.values else None,
            "highest": max(self.values, default=None),
            "rise_per_hour": round(self.rise / hours, 2) if hours else None,
            "seconds": [round(self.seconds[place]) for place in places],
            "values": [self.values[place] for place in places],
        }


class Watch:
    """The curves of one process."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self.curves = {kind: Curve() for kind in KINDS}

    def look(self, second: float) -> None:
        """Take a sample. Raises psutil.NoSuchProcess when the process has ended."""
        with self._process.oneshot():
            found = (
                round(self._process.memory_info().rss / 1e6, 1),
                self._process.num_fds(),
                self._process.num_threads(),
            )
        for kind, value in zip(KINDS, found, strict=True):
            self.curves[kind].add(second, value)

    @property
    def is_flat(self) -> bool:
        """Return whether nothing of it grows."""
        return all(curve.is_flat(kind) for kind, curve in self.curves.items())

    def to_json(self) -> dict[str, object]:
        """Return the curves for a report."""
        return {kind: curve.to_json(kind) for kind, curve in self.curves.items()}


def grown(watches: Sequence[tuple[str, Watch]]) -> list[str]:
    """Return a sentence for everything that grows."""
    return [
        f"{name}: {kind} rose from {curve.values[0]:g} to {curve.values[-1]:g}, by {curve.rise:.1f} after the warm-up"
        for name, watch in watches
        for kind, curve in watch.curves.items()
        if not curve.is_flat(kind)
    ]
