# SPDX-License-Identifier: GPL-3.0-or-later
"""Compositing of line art and colors: lay lines over colors, lift them off, and fill under them.

Colors are RGB, or straight RGBA where a shot is transparent in places.
"""

import cv2
import numpy as np

from .regions import find_regions, interior_pixels

NEARLY_BLACK = 32
"""A line that is darker than this hides what is under it."""


def fill_under_lines(line_art: np.ndarray, image: np.ndarray, max_gap: int | None = None) -> np.ndarray:
    """Replace an image's lines and their anti-aliased fringe by the color beside them, separately on each side.

    line_art: uint8 [H, W]; image: uint8 [H, W, 3 or 4], with or without the lines; max_gap: see `find_regions`. Returns
    an array of the same shape and type as the image.
    """
    regions = find_regions(line_art, max_gap)
    sure = interior_pixels(line_art, regions.labels)
    has_interior = np.bincount(regions.labels[sure], minlength=regions.count) > 0
    sure |= ~has_interior[regions.labels] & ~regions.is_line
    return image.reshape(-1, image.shape[2])[regions.sources(sure)]


def lay_lines(color: np.ndarray, line_art: np.ndarray) -> np.ndarray:
    """Lay line art uint8 [H, W] unchanged over colors uint8 [H, W, 3 or 4]; the colors show where it is paper.

    Over transparent areas a line is black, and the darker it is, the more opaque. Over any backdrop, the result then
    looks as if the line art were multiplied over the colors and the backdrop.
    """
    if color.shape[2] == 3:
        return cv2.multiply(color, cv2.merge([line_art] * 3), scale=1 / 255)
    laid = cv2.multiply(color, cv2.merge([line_art] * 3 + [np.full_like(line_art, 255)]), scale=1 / 255)
    laid[..., 3] = np.maximum(laid[..., 3], 255 - line_art)
    return laid


def lines_alone(line_art: np.ndarray) -> np.ndarray:
    """Return line art uint8 [H, W] as black lines on a transparent ground, straight RGBA uint8 [H, W, 4].

    Over opaque colors it looks as if it were multiplied with them.
    """
    nothing = np.zeros_like(line_art)
    return cv2.merge([nothing, nothing, nothing, 255 - line_art])


def lift_lines(frame: np.ndarray, line_art: np.ndarray) -> np.ndarray:
    """Undo `lay_lines`: the colors of a finished frame uint8 [H, W, 3 or 4], without its lines.

    Laying the line art uint8 [H, W] over the result gives the frame, within 1/255 wherever a line is not nearly black.
    """
    paint = frame.copy()
    paint[..., 3:] = np.where(frame[..., 3:] < 255, 0, 255)  # below a translucent line the ground was transparent
    color = fill_under_lines(line_art, paint, max_gap=0)  # the frame's colors separate the sides, so close no gaps
    off = np.abs(lay_lines(color, line_art).astype(np.int16) - frame).max(axis=2) > 1
    off &= line_art >= NEARLY_BLACK
    lines = line_art[off].astype(np.float32)[:, None]
    color[off] = np.round(255 * paint[off].astype(np.float32) / lines).clip(0, 255)
    return color
