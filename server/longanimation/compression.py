# SPDX-License-Identifier: GPL-3.0-or-later
"""The compression of a video in memory: the lengths of its segments (paper §3.2.2), and what very long ones forget.

Both depend only on the frames so far, so that a memory can grow frame by frame.
"""

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch.nn import functional as F

MAX_SEGMENT = 8
"""Frames of a segment in which little changes."""

MIN_WINDOWS = 4
"""At least so many windows must fit under the limit, or `kept_windows` could not keep to it."""


def feature_changes(features: torch.Tensor) -> list[float]:
    """1 − cosine of each two neighbors among CLIP features [F, width]: F − 1 numbers, 0 for equal frames."""
    return (1 - F.cosine_similarity(features[:-1].float(), features[1:].float(), dim=-1)).tolist()


def segment_length(changes: Sequence[float], threshold: float) -> int:
    """Return how many of the waiting frames are the next segment: 8, 4 or 2; 1 where only one is left.

    changes: between the waiting frames, from the oldest on. A segment may be as long as its changes add up to at most
    `threshold`, and no change at all is too large for 2 frames: the more happens, the finer the compression (§3.2.2).
    """
    waiting = len(changes) + 1
    within = [0.0, *accumulate(changes)]
    fitting = [frames for frames in (MAX_SEGMENT, 4) if frames <= waiting and within[frames - 1] <= threshold]
    return fitting[0] if fitting else min(waiting, 2)


def kept_windows(count: int) -> list[int]:
    """Return which of `count` windows, oldest first, stay when memory is full: every second of the older half is
    forgotten, never the first, which is next to the keyframe.

    The further back, the more often this has happened: the past thins out toward the first window.
    """
    return [index for index in range(count) if index % 2 == 0 or index >= count // 2]
