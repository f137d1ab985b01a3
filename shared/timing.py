# SPDX-License-Identifier: GPL-3.0-or-later
"""Exposure of drawings over frames.

Animation is drawn on twos and threes: one drawing is held for several frames. Each distinct drawing is sent and colored
once; the exposure restores the timing afterward.
"""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable
from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True)
class Exposure:
    """Which drawing each frame of a range shows.

    frame_start: number of the first frame.
    drawing_of: for each frame of the range, the index of the drawing it shows; the indices
        are numbered by first appearance.
    """

    frame_start: int
    drawing_of: tuple[int, ...]

    @property
    def frames(self) -> range:
        """The frame numbers of the range."""
        return range(self.frame_start, self.frame_start + len(self.drawing_of))

    @property
    def drawing_count(self) -> int:
        """How many distinct drawings the range shows."""
        return max(self.drawing_of, default=-1) + 1

    @property
    def holds(self) -> tuple[int, ...]:
        """For each drawing, for how many frames it is held when it is first shown."""
        runs = [(drawing, len(list(frames))) for drawing, frames in groupby(self.drawing_of)]
        first_run = dict(reversed(runs))
        return tuple(first_run[drawing] for drawing in range(self.drawing_count))

    def drawing_at(self, frame: int) -> int:
        """Return the index of the drawing that `frame` shows. Raises IndexError outside the range."""
        if frame not in self.frames:
            raise IndexError(f"frame {frame} is outside {self.frames.start}..{self.frames.stop - 1}")
        return self.drawing_of[frame - self.frame_start]

    def first_frame_of(self, drawing: int) -> int:
        """Return the first frame that shows `drawing`."""
        return self.frame_start + self.drawing_of.index(drawing)


def expose(frame_start: int, contents: Iterable[Hashable], painted: Collection[int] = ()) -> Exposure:
    """Build the exposure of consecutive frames from values that are equal for equal drawings, such as digests. Each new
    value gets the next drawing index.

    painted: the frames with a keyframe. If several keyframes paint one drawing, its paint changes while it is held.
    From each of them on, it is another drawing.
    """
    index: dict[Hashable, int] = {}
    paintings: Counter[Hashable] = Counter()
    drawing_of = []
    for frame, content in enumerate(contents, frame_start):
        paintings[content] += frame in painted
        drawing_of.append(index.setdefault((content, max(1, paintings[content])), len(index)))
    return Exposure(frame_start, tuple(drawing_of))
