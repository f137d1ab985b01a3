# SPDX-License-Identifier: GPL-3.0-or-later
"""Means over clips with confidence intervals, and what one method gains over another on the same clips."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import bootstrap

from server.evaluation.measures import Measures
from server.evaluation.metrics import mean

FEWEST_CLIPS = 5
"""Fewer clips say too little about others."""

MEASURES = {
    "PSNR ↑": lambda measures: mean(measures.curves["psnr"]),
    "moved, within ΔE 10 ↑": lambda measures: measures.color.within10_moved,
    "areas right ↑": lambda measures: measures.areas,
}
"""What is compared, by heading. A measure is None on a clip in which nothing moves."""


class Interval(NamedTuple):
    """A mean over clips, and the 95 % confidence interval of it."""

    mean: float
    low: float
    high: float


def interval(values: Sequence[float]) -> Interval | None:
    """Return the mean of one value for each clip and its interval, by the bootstrap over clips; None for fewer than
    FEWEST_CLIPS."""
    if len(values) < FEWEST_CLIPS:
        return None
    found = bootstrap((np.array(values),), np.mean, method="percentile", rng=0).confidence_interval
    return Interval(float(np.mean(values)), float(found.low), float(found.high))


def means(clips: Sequence[Mapping[str, Measures]], method: str) -> list[Interval | None]:
    """Return a method's mean of each of MEASURES over clips, whose measures are given by method."""
    return [interval(_known([measure(clip[method]) for clip in clips])) for measure in MEASURES.values()]


def gains(clips: Sequence[Mapping[str, Measures]], method: str, other: str) -> list[Interval | None]:
    """Return by how much a method's measure is above that of another one on the same clip, for each of MEASURES."""
    pairs = [[(measure(clip[method]), measure(clip[other])) for clip in clips] for measure in MEASURES.values()]
    return [interval([a - b for a, b in each if a is not None and b is not None]) for each in pairs]


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]
