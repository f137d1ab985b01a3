# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of jobs, of their segments, and of the queues in which jobs wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .manifest import Priority
from .protocol import Problem

JobState = Literal["queued", "running", "done", "failed", "cancelled"]
SegmentState = Literal["planned", "running", "done"]
FINAL_STATES: tuple[JobState, ...] = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class JobStatus:
    """The status of a job. Times are seconds since the epoch; progress runs from 0 to 1.

    frames_done: numbers of the frames that can be downloaded. owner: the name of the token it came with, empty on a
    server that requires none. queue: the class of devices that process it.
    """

    id: str
    name: str
    state: JobState
    preset: str
    frame_start: int
    frame_end: int
    segments_done: int
    segments_total: int
    progress: float
    frames_done: tuple[int, ...]
    created: float
    eta_seconds: float | None = None
    problem: Problem | None = None
    owner: str = ""
    priority: Priority = "normal"
    queue: str = ""
    finished: float | None = None


@dataclass(frozen=True)
class JobSummary:
    """A job as lists show it. drawing_count: how many drawings it has. The other fields are those of JobStatus."""

    id: str
    name: str
    state: JobState
    preset: str
    frame_start: int
    frame_end: int
    drawing_count: int
    segments_done: int
    segments_total: int
    progress: float
    created: float
    eta_seconds: float | None = None
    problem: Problem | None = None
    owner: str = ""
    priority: Priority = "normal"
    queue: str = ""
    finished: float | None = None


@dataclass(frozen=True)
class GuessedFrame:
    """The first frame of a drawing, and the share of the picture in which its colors are a guess."""

    frame: int
    share: float


@dataclass(frozen=True)
class SegmentStatus:
    """A segment of a job, in the order of work.

    frames: the numbers of the frames that show its drawings. seconds: how long it took, None until it is done. reused:
    whether it was taken from an earlier job instead of being colored. guesses: in the order of frames.
    """

    number: int
    frames: tuple[int, ...]
    state: SegmentState
    seconds: float | None = None
    reused: bool = False
    guesses: tuple[GuessedFrame, ...] = ()


@dataclass(frozen=True)
class QueueStatus:
    """A queue: the jobs that wait for one class of devices.

    paused: whether no waiting job begins; running jobs continue. workers: how many serve it.
    """

    name: str
    paused: bool
    queued: int
    running: int
    workers: int


@dataclass(frozen=True)
class PriorityChange:
    """The body of a change of priority."""

    priority: Priority


@dataclass(frozen=True)
class JobEvent:
    """A numbered change of a job. Numbers increase; `GET …/events?after=N` returns the events after N."""

    number: int
    time: float
    kind: Literal["state", "progress", "segment"]
    state: JobState
    segments_done: int
    segments_total: int
    progress: float
    message: str = ""
