# SPDX-License-Identifier: GPL-3.0-or-later
"""A colorizer that takes no time, so that only the server is measured. Every client can check its frames.

Run as a program, it is a worker process: `python -m benchmarks.load.instant_colorizer DATA_FOLDER`.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from server.coloring.shot import SegmentResult, Shot

DRAWINGS_A_SEGMENT = 25


def paint(line_art: np.ndarray, tint: np.ndarray, drawing: int) -> np.ndarray:
    """Color a drawing, uint8 [H, W], as RGB [H, W, 3]: black lines on the keyframe's color, which is shifted by the
    drawing's number, so that no two frames are equal."""
    color = (tint.astype(int) + drawing) % 256
    return np.where(line_art[..., None] < 128, 0, color).astype(np.uint8)


@dataclass(frozen=True)
class InstantSegment:
    """Drawings that are colored together."""

    keyframe: int
    drawings: tuple[int, ...]
    follows: int | None
    local: tuple[int, ...] = ()
    correction: int = 0
    first: int = 0

    @property
    def sequence(self) -> tuple[int, ...]:
        """The drawings that the segment looks at: only those that it colors."""
        return self.drawings

    @property
    def shown(self) -> tuple[int, ...]:
        """The drawings whose frames are kept: all."""
        return self.drawings


class InstantColoring:
    """A shot with one keyframe of a single color."""

    note = ""

    def __init__(self, shot: Shot) -> None:
        self._shot = shot
        self.fingerprints = {0: "instant"}
        keyframe, picture = next(iter(shot.keyframes.items()))
        self._tint = picture[0, 0, :3]
        numbers = tuple(range(len(shot.drawings)))
        starts = range(0, len(numbers), DRAWINGS_A_SEGMENT)
        self.segments = tuple(
            InstantSegment(keyframe, numbers[start : start + DRAWINGS_A_SEGMENT], number - 1 if number else None)
            for number, start in enumerate(starts)
        )

    def evidence(self, index: int) -> list[int]:
        """Return the keyframes from which segment `index` is colored."""
        return [self.segments[index].keyframe]

    def color(self, index: int, on_step: Callable[[int, int], None] | None = None) -> SegmentResult:
        """Color segment `index`."""
        if on_step is not None:
            on_step(1, 1)
        drawings = self.segments[index].drawings
        frames = {drawing: paint(self._shot.drawings[drawing], self._tint, drawing) for drawing in drawings}
        return SegmentResult(frames=frames, state=bytes([*self._tint, index]), guesses={})

    def restore(self, index: int, result: SegmentResult) -> None:
        """Nothing depends on earlier segments."""


class InstantColorizer:
    """Opens shots at once."""

    def open(self, shot: Shot) -> InstantColoring:
        """Plan a shot."""
        return InstantColoring(shot)


if __name__ == "__main__":
    # Not at the top: every client imports this module for `paint`, and does not need the worker's modules.
    from server.config import Config
    from server.jobs import worker
    from server.storage.heartbeats import Device

    worker.run(Config(Path(sys.argv[1])), lambda _: cast(Any, InstantColorizer()), lambda: Device("cpu"))
