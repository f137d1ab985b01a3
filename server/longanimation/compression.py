# SPDX-License-Identifier: GPL-3.0-or-later
"""The compression of a video in memory: the lengths of its segments (paper §3.2.2), and which windows of very long
videos are forgotten.

Both depend only on the frames so far, so that a memory can grow frame by frame.
"""

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch.nn import functional as F

MAX_SEGMENT = 8
"""The number of frames of a segment in which little changes."""

MIN_WINDOWS = 4
"""At least this many windows must fit under the limit. With fewer, `kept_windows` could not stay below the limit."""


def feature_changes(features: torch.Tensor) -> list[float]:
    """Return 1 − cosine of each pair of neighbors among CLIP features [F, width]: F − 1 numbers, 0 for equal frames."""
    return (1 - F.cosine_similarity(features[:-1].float(), features[1:].float(), dim=-1)).tolist()


def segment_length(changes: Sequence[float], threshold: float) -> int:
    """Return how many of the waiting frames form the next segment: 8, 4 or 2, or 1 if only one is left.

    changes: between the waiting frames, from the oldest on. The segment is the longest whose changes add up to at most
    `threshold`. Two frames always form a segment, however much changes between them. The more happens, the finer the
    compression (§3.2.2).
    """
    waiting = len(changes) + 1
    within = [0.0, *accumulate(changes)]
    fitting = [frames for frames in (MAX_SEGMENT, 4) if frames <= waiting and within[frames - 1] <= threshold]
    return fitting[0] if fitting else min(waiting, 2)


def kept_windows(count: int) -> list[int]:
    """Return which of `count` windows, oldest first, stay when memory is full. Every second window of the older half is
    forgotten, but never the first, which is next to the keyframe.

    The older a window, the more often this has happened to its neighbors: the past thins out toward the first window.
    """
    return [index for index in range(count) if index % 2 == 0 or index >= count // 2]
