# SPDX-License-Identifier: GPL-3.0-or-later
"""Line art and the colors under it: lines laid over colors, lifted off again, and filled from beside them.

Colors are RGB, or straight RGBA where a shot is transparent in places.
"""

import cv2
import numpy as np

from .regions import find_regions, interior_pixels

NEARLY_BLACK = 32
"""A line that is darker than this hides what is under it."""


def fill_under_lines(line_art: np.ndarray, image: np.ndarray, max_gap: int | None = None) -> np.ndarray:
    """Replace an image's lines and their anti-aliased fringe by the color beside them, each on its own side.

    line_art: uint8 [H, W]; image: uint8 [H, W, 3 or 4] with the lines on it or not; max_gap: see `find_regions`.
    Returns the like of the image.
    """
    regions = find_regions(line_art, max_gap)
    sure = interior_pixels(line_art, regions.labels)
    has_interior = np.bincount(regions.labels[sure], minlength=regions.count) > 0
    sure |= ~has_interior[regions.labels] & ~regions.is_line
    return image.reshape(-1, image.shape[2])[regions.sources(sure)]


def lay_lines(color: np.ndarray, line_art: np.ndarray) -> np.ndarray:
    """Lay line art uint8 [H, W] untouched over colors uint8 [H, W, 3 or 4]: where it is paper the color shows.

    On transparent ground a line is black and as opaque as it is dark. Over any backdrop the result then looks as if
    the line art were multiplied over colors and backdrop.
    """
    if color.shape[2] == 3:
        return cv2.multiply(color, cv2.merge([line_art] * 3), scale=1 / 255)
    laid = cv2.multiply(color, cv2.merge([line_art] * 3 + [np.full_like(line_art, 255)]), scale=1 / 255)
    laid[..., 3] = np.maximum(laid[..., 3], 255 - line_art)
    return laid


def lines_alone(line_art: np.ndarray) -> np.ndarray:
    """Line art uint8 [H, W] as black lines on nothing, straight RGBA uint8 [H, W, 4].

    Over opaque colors it looks as if it were multiplied with them.
    """
    nothing = np.zeros_like(line_art)
    return cv2.merge([nothing, nothing, nothing, 255 - line_art])


def lift_lines(frame: np.ndarray, line_art: np.ndarray) -> np.ndarray:
    """Undo `lay_lines`: the colors of a finished frame uint8 [H, W, 3 or 4], without its lines.

    Laying the line art uint8 [H, W] over them again gives the frame, within 1/255 wherever a line is not nearly black.
    """
    paint = frame.copy()
    paint[..., 3:] = np.where(frame[..., 3:] < 255, 0, 255)  # what a line's shade let through was transparent
    color = fill_under_lines(line_art, paint, max_gap=0)  # the frame's colors tell sides apart, no gap need be closed
    off = np.abs(lay_lines(color, line_art).astype(np.int16) - frame).max(axis=2) > 1
    off &= line_art >= NEARLY_BLACK
    lines = line_art[off].astype(np.float32)[:, None]
    color[off] = np.round(255 * paint[off].astype(np.float32) / lines).clip(0, 255)
    return color
