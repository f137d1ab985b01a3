# SPDX-License-Identifier: GPL-3.0-or-later
"""Color error between a finished frame and the true one, as people perceive it (CIEDE2000)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from skimage.color import deltaE_ciede2000, rgb2lab

from server.coloring.line_art.regions import LINE_BELOW
from server.coloring.palette import distinct

RIGHT = 10.0
"""A pixel is right when its color differs from the true one by at most this ΔE."""
MOVED = 5.0
"""A pixel has moved when its true color differs from the keyframe's at that place by more than this ΔE."""


@dataclass(frozen=True)
class ColorError:
    """Color error over the pixels that count, of one frame or of many.

    mean_de: mean ΔE; within10: share of pixels with ΔE ≤ 10; within10_moved: the same among moved pixels, None when
    none moved; moved_share: share of moved pixels; pixels: number of pixels that count.
    """

    mean_de: float
    within10: float
    within10_moved: float | None
    moved_share: float
    pixels: int


def interior_pixels(line_art: np.ndarray) -> np.ndarray:
    """Where line art uint8 [H, W] is paper, without the anti-aliased edges of lines: bool [H, W]."""
    return cv2.erode(line_art, np.ones((3, 3), np.uint8)) >= LINE_BELOW


def right_pixels(result: np.ndarray, truth: np.ndarray, line_art: np.ndarray) -> np.ndarray:
    """Return which interior pixels of a result RGB uint8 [H, W, 3] are right, bool [H, W]; arguments as for
    `color_error`."""
    right = interior_pixels(line_art)
    right[right] = delta_e(result[right], truth[right]) <= RIGHT
    return right


def color_error(
    result: np.ndarray, truth: np.ndarray, line_art: np.ndarray, keyframe_truth: np.ndarray
) -> ColorError | None:
    """Compare a finished frame with the true one, both RGB uint8 [H, W, 3] with the lines on.

    A pixel counts when the line art (uint8 [H, W]) is at least 200 there and at its eight neighbors
    (`interior_pixels`). keyframe_truth: the keyframe's true colors, RGB uint8 [H, W, 3], filled under its lines
    (`compositing.fill_under_lines`), because its lines would otherwise count as moved. Returns None for a frame in
    which no pixel counts.
    """
    counts = interior_pixels(line_art)
    if not counts.any():
        return None
    difference = delta_e(result[counts], truth[counts])
    moved = delta_e(keyframe_truth[counts], truth[counts]) > MOVED
    right = difference <= RIGHT
    return ColorError(
        mean_de=float(difference.mean()),
        within10=float(right.mean()),
        within10_moved=float(right[moved].mean()) if moved.any() else None,
        moved_share=float(moved.mean()),
        pixels=int(counts.sum()),
    )


def pool(errors: Iterable[ColorError | None]) -> ColorError:
    """The error over all pixels of several frames together. Raises ValueError when there are none."""
    some = [error for error in errors if error is not None]
    if not some:
        raise ValueError("There is nothing to compare: give at least one frame besides the keyframes.")
    pixels = sum(error.pixels for error in some)
    moved = sum(error.moved_share * error.pixels for error in some)
    right_moved = sum((error.within10_moved or 0.0) * error.moved_share * error.pixels for error in some)
    return ColorError(
        mean_de=sum(error.mean_de * error.pixels for error in some) / pixels,
        within10=sum(error.within10 * error.pixels for error in some) / pixels,
        within10_moved=right_moved / moved if moved else None,
        moved_share=moved / pixels,
        pixels=pixels,
    )


def mean(values: Sequence[float | None]) -> float | None:
    """The mean of the values that are known, None when there are none."""
    known = [value for value in values if value is not None and not np.isnan(value)]
    return float(np.mean(known)) if known else None


def delta_e(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """CIEDE2000 float64 [P] between colors RGB uint8 [P, 3]. Each distinct pair is computed once: flats have few."""
    pairs = np.concatenate([a, b], axis=1).astype(np.int64)
    keys, _, place = distinct(pairs @ (256 ** np.arange(5, -1, -1)))
    colors = (keys[:, None] >> np.arange(40, -8, -8)) & 255
    lab = rgb2lab(colors.reshape(-1, 2, 3).astype(np.uint8))
    return deltaE_ciede2000(lab[:, 0], lab[:, 1])[place]
