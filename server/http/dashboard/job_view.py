# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages' view of a job, derived from the catalogue."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from server.jobs.client import PRIORITIES
from server.storage.job import ACTIVE_STATES, Job, ListedJob
from shared.status import SegmentStatus

VERSION_DIGITS = 12
"""How many digits of a blob's address are in its thumbnail's address, so that it changes with the image."""


@dataclass(frozen=True)
class JobView:
    """A job as a row of the queue and as the header of its own page."""

    job: ListedJob

    @property
    def percent(self) -> int:
        """The progress in percent; 100 only when it is done."""
        return 100 if self.job.state == "done" else min(99, int(100 * self.job.progress))

    @property
    def eta(self) -> float | None:
        """The remaining seconds, or None if unknown."""
        return self.job.eta(time.time())

    @property
    def took(self) -> float | None:
        """The seconds from the submission to the end."""
        return None if self.job.finished is None else self.job.finished - self.job.created

    @property
    def is_active(self) -> bool:
        """Whether it can be cancelled."""
        return self.job.state in ACTIVE_STATES

    @property
    def is_retriable(self) -> bool:
        """Whether it can be tried again."""
        return self.job.state in ("failed", "cancelled")


@dataclass(frozen=True)
class Drawing:
    """A drawing of the film strip. frame: the first frame that shows it. held: how many consecutive frames show it.
    version: part of the address of its result's blob, empty until it is colored."""

    frame: int
    held: int
    version: str
    is_keyframe: bool


@dataclass(frozen=True)
class Block:
    """A run of frames of one segment on the timeline. left, width: in percent of the shot."""

    segment: SegmentStatus
    first: int
    last: int
    left: float
    width: float


@dataclass(frozen=True)
class Pace:
    """The speed at which a job's drawings were colored, without those reused from an earlier job."""

    drawings: int
    seconds: float

    @property
    def seconds_a_drawing(self) -> float:
        """Average seconds per drawing."""
        return self.seconds / self.drawings


def in_turn(waiting: Sequence[ListedJob]) -> list[ListedJob]:
    """Return waiting jobs in the order in which workers take them."""
    return sorted(waiting, key=lambda job: (PRIORITIES[job.priority], job.created))


def film(job: Job, finished: Mapping[int, str]) -> list[Drawing]:
    """Return a job's drawings from its first frame to its last. finished: addresses of the results by drawing."""
    exposure = job.manifest.exposure
    painted = {exposure.drawing_at(keyframe.frame) for keyframe in job.manifest.keyframes}
    strip, frame = [], job.manifest.frame_start
    for drawing, shown in groupby(job.manifest.timing):
        held = len(list(shown))
        strip.append(Drawing(frame, held, finished.get(drawing, "")[:VERSION_DIGITS], drawing in painted))
        frame += held
    return strip


def timeline(job: Job, segments: Sequence[SegmentStatus]) -> list[Block]:
    """Return the positions of the segments in the shot."""
    count, start = len(job.manifest.timing), job.manifest.frame_start
    blocks = []
    for segment in segments:
        # Consecutive frames have the same difference from their position.
        for _, run in groupby(enumerate(segment.frames), lambda pair: pair[1] - pair[0]):
            frames = [frame for _, frame in run]
            left, width = (frames[0] - start) / count, len(frames) / count
            blocks.append(Block(segment, frames[0], frames[-1], 100 * left, 100 * width))
    return blocks


def pace(job: Job, segments: Sequence[SegmentStatus]) -> Pace | None:
    """Return how fast a job was colored, or None if no segment was."""
    exposure = job.manifest.exposure
    own = [segment for segment in segments if segment.seconds and not segment.reused]
    drawings = {exposure.drawing_at(frame) for segment in own for frame in segment.frames}
    return Pace(len(drawings), sum(segment.seconds or 0 for segment in own)) if drawings else None
