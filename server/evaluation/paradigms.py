# SPDX-License-Identifier: GPL-3.0-or-later
"""Our stack with some modules off: the paradigms of other methods (paper §2) and the ablations of Tables 2 and 3."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from server.coloring.ablation import FULL, Ablation
from server.coloring.shot import Shot

if TYPE_CHECKING:
    from server.coloring.colorizer import Colorizer

SegmentCallback = Callable[[int, int], None]
"""Called with segments done and segments in all."""


MODEL = Ablation(propagated=False)
"""The model alone, as in the paper."""
LVCD = Ablation(memory=(), fusion_start=0.0, propagated=False)
"""LVCD's local paradigm (paper Fig. 1 a): the overlap is blended in every step and nothing is remembered."""
SEGMENT_ALONE = Ablation(memory=(), fusion_start=1.0, propagated=False)


def color_shot(
    colorizer: Colorizer, shot: Shot, ablation: Ablation = FULL, on_segment: SegmentCallback | None = None
) -> list[np.ndarray]:
    """Color a shot with some modules of the stack off. Returns one RGB uint8 [H, W, 3] for each drawing."""
    coloring = colorizer.open(shot, ablation)
    frames: dict[int, np.ndarray] = {}
    for index in range(len(coloring.segments)):
        frames.update(coloring.color(index).frames)
        if on_segment:
            on_segment(index + 1, len(coloring.segments))
    return [frames[index] for index in range(len(shot.drawings))]


def color_by_last_frame(
    colorizer: Colorizer,
    drawings: Sequence[np.ndarray],
    keyframe: np.ndarray,
    at: int,
    seed: int,
    on_segment: SegmentCallback | None = None,
) -> list[np.ndarray]:
    """Color a shot with the last frame of each segment as the reference of the next one (paper §4.1): errors add up.

    The arguments and the result are those of `baselines.hold`; seed: the shot's seed, which every segment uses.
    """
    frames: dict[int, np.ndarray] = {}
    ways = [range(at, len(drawings)), range(at, -1, -1)]
    count = colorizer.preset.segment
    runs = [way[start : start + count] for way in ways for start in range(0, len(way) - 1, count - 1)] or [ways[0]]
    for done, run in enumerate(runs, start=1):
        reference = keyframe if run[0] == at else frames[run[0]]
        part = Shot([drawings[index] for index in run], {0: reference}, seed=seed)
        colored = dict(zip(run, color_shot(colorizer, part, SEGMENT_ALONE), strict=True))
        frames |= {index: frame for index, frame in colored.items() if index not in frames}
        if on_segment:
            on_segment(done, len(runs))
    return [frames[index] for index in range(len(drawings))]
