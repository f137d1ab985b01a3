# SPDX-License-Identifier: GPL-3.0-or-later
"""Areas of one true color: what an animator fills with one click."""

from dataclasses import dataclass

import numpy as np
from skimage.measure import label

from server.evaluation.metrics import MOVED, RIGHT, delta_e, interior_pixels

SMALLEST_AREA = 16
"""Areas with fewer pixels are slivers between lines, or between a figure's old and new outline."""


def color_areas(truth: np.ndarray, where: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Find the connected areas of one color in truth RGB uint8 [H, W, 3], within the mask `where`, bool [H, W].

    Returns the flat indices [P] of their pixels, the area int [P] of each, and how many areas there are.
    """
    colors = truth.astype(np.int64) @ np.array([65536, 256, 1]) + 1
    areas = label(np.where(where, colors, 0), connectivity=1).ravel()
    large = np.bincount(areas) >= SMALLEST_AREA
    large[0] = False
    numbers = np.cumsum(large) - 1
    place = np.flatnonzero(large[areas])
    return place, numbers[areas[place]], int(large.sum())


@dataclass(frozen=True)
class MovedAreas:
    """The areas of a drawing that have moved, for the most part, as `metrics.color_error` means it.

    place: flat indices [P] of their pixels; area: int [P], which area each belongs to; colors: RGB uint8 [P, 3], true.
    """

    place: np.ndarray
    area: np.ndarray
    colors: np.ndarray

    @property
    def count(self) -> int:
        """The number of areas."""
        return len(np.unique(self.area))

    def right(self, result: np.ndarray) -> int:
        """Return how many of the areas are right in most of their pixels in a result RGB uint8 [H, W, 3]. Each of the
        others is one click to repair."""
        right = delta_e(result.reshape(-1, 3)[self.place], self.colors) <= RIGHT
        return int((2 * np.bincount(self.area, right) > np.bincount(self.area)).sum())


def moved_areas(truth: np.ndarray, line_art: np.ndarray, keyframe_truth: np.ndarray) -> MovedAreas:
    """Find the areas of a drawing that have moved; arguments as for `metrics.color_error`."""
    place, area, count = color_areas(truth, interior_pixels(line_art))
    colors, painted = (image.reshape(-1, 3)[place] for image in (truth, keyframe_truth))
    moved = delta_e(painted, colors) > MOVED
    chosen = 2 * np.bincount(area, moved, count) > np.bincount(area, minlength=count)
    kept = chosen[area]
    return MovedAreas(place[kept], area[kept], colors[kept])
