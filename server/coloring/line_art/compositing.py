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


def lay_lines(color: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """Lay lines unchanged over colors uint8 [H, W, 3 or 4]; the colors show where no line covers them.

    lines: line art uint8 [H, W], which is black ink, or ink of any color, straight RGBA uint8 [H, W, 4]. Over
    transparent areas a line keeps its own color and alpha; black ink is the more opaque, the darker the line art is.
    Over any backdrop, black lines then look as if the line art were multiplied over the colors and the backdrop.
    """
    is_black = lines.ndim == 2
    seen = lines if is_black else 255 - lines[..., 3]
    laid = cv2.multiply(color, cv2.merge([seen] * 3 + [np.full_like(seen, 255)] * (color.shape[2] - 3)), scale=1 / 255)
    if not is_black:
        own = cv2.multiply(lines[..., :3], cv2.merge([lines[..., 3]] * 3), scale=1 / 255)
        laid[..., :3] = cv2.add(laid[..., :3], own)
    if color.shape[2] == 4:
        if not is_black:  # over nothing, a color is not mixed with any other
            laid[..., :3] = np.where(color[..., 3:] > 0, laid[..., :3], lines[..., :3])
        laid[..., 3] = np.maximum(laid[..., 3], 255 - seen)
    return laid


def lines_alone(lines: np.ndarray) -> np.ndarray:
    """Return lines on a transparent ground, straight RGBA uint8 [H, W, 4].

    lines: as in `lay_lines`. Over opaque colors the result looks as if it were laid by `lay_lines`.
    """
    if lines.ndim == 3:
        return lines
    nothing = np.zeros_like(lines)
    return cv2.merge([nothing, nothing, nothing, 255 - lines])


def lift_lines(frame: np.ndarray, line_art: np.ndarray, ink: np.ndarray | None = None) -> np.ndarray:
    """Undo `lay_lines`: the colors of a finished frame uint8 [H, W, 3 or 4], without its lines.

    line_art: uint8 [H, W], which separates the sides. ink: the lines that were laid, by default the line art. Laying
    them over the result gives the frame, within 1/255 wherever they are not nearly opaque.
    """
    ink = line_art if ink is None else ink
    seen = ink if ink.ndim == 2 else 255 - ink[..., 3]
    paint = frame.copy()
    paint[..., 3:] = np.where(frame[..., 3:] < 255, 0, 255)  # below a translucent line the ground was transparent
    color = fill_under_lines(line_art, paint, max_gap=0)  # the frame's colors separate the sides, so close no gaps
    off = np.abs(lay_lines(color, ink).astype(np.int16) - frame).max(axis=2) > 1
    off &= seen >= NEARLY_BLACK
    own = paint[off].astype(np.float32)
    if ink.ndim == 3:
        own[:, :3] -= ink[off][:, :3] * (ink[off][:, 3:] / np.float32(255))
    color[off] = np.round(255 * own / seen[off].astype(np.float32)[:, None]).clip(0, 255)
    return color
