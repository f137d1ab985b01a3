# SPDX-License-Identifier: GPL-3.0-or-later
"""Areas of one true colour: what an animator fills with one click."""

import numpy as np
from skimage.measure import label

from server.evaluation.metrics import MOVED, RIGHT, clear_of_lines, delta_e

SMALLEST_AREA = 16
"""Areas of fewer pixels are slivers between lines, or between a thing's old and new outline."""


def color_areas(truth: np.ndarray, where: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Find the connected areas of one colour in truth RGB uint8 [H, W, 3], where that is wanted, bool [H, W].

    Returns the flat indices [P] of their pixels, the area int [P] of each, and how many areas there are.
    """
    colors = truth.astype(np.int64) @ np.array([65536, 256, 1]) + 1
    areas = label(np.where(where, colors, 0), connectivity=1).ravel()
    large = np.bincount(areas) >= SMALLEST_AREA
    large[0] = False
    numbers = np.cumsum(large) - 1
    place = np.flatnonzero(large[areas])
    return place, numbers[areas[place]], int(large.sum())


def areas_right(
    result: np.ndarray, truth: np.ndarray, line_art: np.ndarray, keyframe_truth: np.ndarray
) -> tuple[int, int]:
    """How many moved areas of a frame are right, and how many there are. Each of the others is a click to repair.

    An area has moved, or is right, when most of its pixels have or are, as in `metrics.color_error`, whose arguments
    these are.
    """
    place, area, count = color_areas(truth, clear_of_lines(line_art))
    if not count:
        return 0, 0
    colors, true, painted = (image.reshape(-1, 3)[place] for image in (result, truth, keyframe_truth))
    pixels = np.bincount(area)
    moved = 2 * np.bincount(area, delta_e(painted, true) > MOVED) > pixels
    right = 2 * np.bincount(area, delta_e(colors, true) <= RIGHT) > pixels
    return int((moved & right).sum()), int(moved.sum())
