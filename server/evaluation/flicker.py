# SPDX-License-Identifier: GPL-3.0-or-later
"""Flicker: how much colors change from drawing to drawing where they should stay the same."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from skimage.color import deltaE_ciede2000, rgb2lab

from server.evaluation.color_areas import color_areas
from server.evaluation.metrics import interior_pixels


@dataclass(frozen=True)
class LastingAreas:
    """The areas that show the same color in two consecutive drawings.

    An area is connected, touches no line in either drawing, and has one true color, the same in both.

    place: flat indices [P] of their pixels; area: int [P], the area of each pixel; count: number of areas.
    """

    place: np.ndarray
    area: np.ndarray
    count: int


def lasting_areas(
    truth: np.ndarray, next_truth: np.ndarray, line_art: np.ndarray, next_line_art: np.ndarray
) -> LastingAreas:
    """Find the areas that last from one drawing to the next.

    truth, next_truth: RGB uint8 [H, W, 3]; line_art, next_line_art: uint8 [H, W].
    """
    same = (truth == next_truth).all(axis=2) & interior_pixels(line_art) & interior_pixels(next_line_art)
    return LastingAreas(*color_areas(truth, same))


def color_changes(areas: LastingAreas, result: np.ndarray, next_result: np.ndarray) -> tuple[float, int]:
    """The change of a result between two drawings, RGB uint8 [H, W, 3]: ΔE between the mean colors of each lasting
    area, averaged over the areas' pixels, and the number of these pixels. A correct result changes by 0."""
    if not areas.count:
        return 0.0, 0
    pixels = np.bincount(areas.area)
    before, after = (_mean_colors(areas, frame, pixels) for frame in (result, next_result))
    change = deltaE_ciede2000(rgb2lab(before[None])[0], rgb2lab(after[None])[0])
    return float(np.average(change, weights=pixels)), int(pixels.sum())


def flicker(areas: Sequence[LastingAreas], results: Sequence[np.ndarray]) -> float | None:
    """The mean ΔE by which the colors of lasting areas change from one drawing to the next, over all pixels of all such
    pairs. areas: from each drawing to the next; results: finished drawings. None when no area lasts."""
    changes = [
        color_changes(pair, before, after) for pair, before, after in zip(areas, results[:-1], results[1:], strict=True)
    ]
    pixels = sum(count for _, count in changes)
    return sum(change * count for change, count in changes) / pixels if pixels else None


def _mean_colors(areas: LastingAreas, frame: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """The mean color of each area, RGB in 0..1 [N, 3]."""
    colors = frame.reshape(-1, 3)[areas.place] / 255
    return np.stack([np.bincount(areas.area, colors[:, channel]) for channel in range(3)], 1) / pixels[:, None]
