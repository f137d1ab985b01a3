# SPDX-License-Identifier: GPL-3.0-or-later
"""Segments, as BasicPBC counts them on PaintBucket-Character (Dai et al., "Learning Inclusion Matching for Animation
Paint Bucket Colorization", 2024). DACoN has the same measures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from server.coloring.line_art.regions import find_regions
from server.evaluation.metrics import interior_pixels, mean

LARGE = 10
"""Segments of more pixels than this also have a share of their own."""


@dataclass(frozen=True)
class Segments:
    """The segments of a drawing: the closed regions of its line art.

    labels: int32 [H, W], the segment of every interior pixel (`metrics.interior_pixels`), -1 elsewhere. areas: the
    share of the frame's area of each segment, [S], its lines included.
    """

    labels: np.ndarray
    areas: np.ndarray

    @property
    def sizes(self) -> np.ndarray:
        """The number of interior pixels of each segment, [S]. A segment without any cannot be judged."""
        return self._count(self.labels >= 0)

    def mostly(self, where: np.ndarray) -> np.ndarray:
        """Return which segments, bool [S], have most of their pixels in the mask `where`, bool [H, W]."""
        return 2 * self._count(where & (self.labels >= 0)) > self.sizes

    def _count(self, where: np.ndarray) -> np.ndarray:
        return np.bincount(self.labels[where], minlength=len(self.areas))


def find_segments(line_art: np.ndarray) -> Segments:
    """Find the segments of line art uint8 [H, W]."""
    regions = find_regions(line_art)
    labels = np.where(interior_pixels(line_art), regions.labels, np.int32(-1))
    return Segments(labels, np.bincount(regions.labels.ravel(), minlength=regions.count) / line_art.size)


@dataclass(frozen=True)
class SegmentShares:
    """The share of a drawing, or the mean share of many drawings, that is right.

    segments: of all segments; large: of those with more than `LARGE` pixels; pixels: of their pixels. A segment is
    right when most of its pixels are. None when there is nothing to count.
    """

    segments: float | None
    large: float | None
    pixels: float | None


def segment_shares(segments: Segments, right: np.ndarray) -> SegmentShares:
    """Return the shares of one drawing. right: the right pixels, bool [H, W]."""
    sizes, mostly_right = segments.sizes, segments.mostly(right)
    return SegmentShares(
        segments=_mean(mostly_right[sizes > 0]),
        large=_mean(mostly_right[sizes > LARGE]),
        pixels=_mean(right[segments.labels >= 0]),
    )


def mean_shares(shares: Sequence[SegmentShares]) -> SegmentShares:
    """Return the mean of each share, as the benchmark does: every drawing of a clip counts alike, and every clip."""
    return SegmentShares(
        segments=mean([each.segments for each in shares]),
        large=mean([each.large for each in shares]),
        pixels=mean([each.pixels for each in shares]),
    )


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None
