# SPDX-License-Identifier: GPL-3.0-or-later
"""A colorizer whose timing and faults tests can choose. It replaces only the model's arithmetic: queue, worker process,
storage and API are the real ones.

Run as a program it is a worker process: `python -m tests.server.stand_in DATA_FOLDER WORKER_NAME [--supervised]`.
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from server.coloring.shot import Guess, SegmentResult, Shot
from server.config import BLOBS_VARIABLE, DATABASE_VARIABLE, Config
from server.jobs import worker
from server.jobs.workflow import PROGRESS_SECONDS
from server.storage.heartbeats import Device

STEPS = 5
SLOW_STEP = 0.35 * PROGRESS_SECONDS
"""Seconds of a step of a slow job. Every third step is reported, so that reports do not coincide with the ends of
segments."""
DRAWINGS_A_SEGMENT = 2


@dataclass(frozen=True)
class StandInSegment:
    """Drawings that are colored together."""

    keyframe: int
    drawings: tuple[int, ...]
    follows: int | None
    local: tuple[int, ...] = ()
    correction: int = 0
    first = 0

    @property
    def sequence(self) -> tuple[int, ...]:
        """The drawings that the segment looks at: only those that it colors."""
        return self.drawings

    @property
    def shown(self) -> tuple[int, ...]:
        """The drawings whose frames are kept: all."""
        return self.drawings


class StandIn:
    """Colors every drawing with a mean of its keyframe and of everything colored before, so that a
    segment that was lost, done twice or restored wrongly changes all later frames.

    The prompt chooses the behavior: `slow`, `wait` or `fail` (in segment 1, as long as the file `pause` or `fault` is
    in the data folder) or `die` (the process ends in segment 1).
    """

    def __init__(self, data: Path) -> None:
        self._data = data

    def open(self, shot: Shot) -> "StandInColoring":
        """Plan a shot."""
        return StandInColoring(shot, self._data)


class StandInColoring:
    """A shot that the stand-in colors."""

    def __init__(self, shot: Shot, data: Path) -> None:
        self._shot = shot
        self._data = data
        self._memory = shot.seed
        self.note = "This is a stand-in."
        count = len(shot.drawings)
        keyframe = next(iter(shot.keyframes))
        starts = range(0, count, DRAWINGS_A_SEGMENT)
        self.segments = tuple(
            StandInSegment(keyframe, tuple(range(first, min(first + DRAWINGS_A_SEGMENT, count))), follows)
            for first, follows in zip(starts, (None, *range(len(starts) - 1)), strict=True)
        )
        self.fingerprints = {0: "stand-in"}

    def evidence(self, index: int) -> list[int]:
        """Return the keyframes from which segment `index` is colored."""
        return [self.segments[index].keyframe]

    def color(self, index: int, on_step: Callable[[int, int], None] | None = None) -> SegmentResult:
        """Color segment `index`."""
        (self._data / f"segment_{index}.log").open("a").write(f"{os.getpid()}\n")
        for done in range(STEPS):
            time.sleep(SLOW_STEP if self._shot.prompt == "slow" else 0.01)
            while index == 1 and self._shot.prompt == "wait" and (self._data / "pause").exists():
                time.sleep(0.01)
            if index == 1 and self._shot.prompt == "die":
                os._exit(9)
            if index == 1 and self._shot.prompt == "fail" and (self._data / "fault").exists():
                raise RuntimeError("the fault that the test asked for")
            if on_step is not None:
                on_step(done + 1, STEPS)
        tint = np.mean([keyframe[..., :3].mean(axis=(0, 1)) for keyframe in self._shot.keyframes.values()], axis=0)
        frames = {}
        for drawing in self.segments[index].drawings:
            line_art = self._shot.drawings[drawing]
            color = ((tint + self._memory) % 256).astype(np.uint8)
            frames[drawing] = np.where(line_art[..., None] < 128, np.uint8(0), color)
            self._memory = int(frames[drawing].sum()) % 251
        guesses = {self.segments[index].drawings[0]: [Guess("#102030", "#405060", 0.1, 0.025, (0, 0, 4, 4))]}
        return SegmentResult(
            frames=frames,
            state=str(self._memory).encode(),
            guesses=guesses if index == 1 else {},
            note="This is segment 2." if index == 2 else "",
        )

    def restore(self, index: int, result: SegmentResult) -> None:
        """Restore the state after a segment of an earlier process."""
        assert set(result.frames) == set(self.segments[index].drawings)
        self._memory = int(result.state)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    config = Config(folder, database=os.environ.get(DATABASE_VARIABLE, ""), blobs=os.environ.get(BLOBS_VARIABLE, ""))
    supervised = "--supervised" in sys.argv
    worker.run(config, lambda preset: cast(Any, StandIn(folder)), lambda: Device("cpu"), sys.argv[2], supervised)
