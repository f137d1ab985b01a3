# SPDX-License-Identifier: GPL-3.0-or-later
"""Compositing of line art and colors: lay lines over colors, lift them off, and fill under them.

Colors are RGB, or straight RGBA where a shot is transparent in places.
"""

import cv2
import numpy as np

from .regions import find_regions, interior_pixels

NEARLY_BLACK = 32
"""A line that is darker than this hides what is under it."""


def fill_under_lines(line_art: np.ndarray, image: np.ndarray, gap: float | None = None) -> np.ndarray:
    """Replace an image's lines and their anti-aliased fringe by the color beside them, separately on each side.

    line_art: uint8 [H, W]; image: uint8 [H, W, 3 or 4], with or without the lines; gap: see `find_regions`. Returns
    an array of the same shape and type as the image.
    """
    regions = find_regions(line_art, gap)
    sure = interior_pixels(line_art, regions.labels)
    has_interior = np.bincount(regions.labels[sure], minlength=regions.count) > 0
    sure |= ~has_interior[regions.labels] & ~regions.is_line
    return image.reshape(-1, image.shape[2])[regions.sources(sure)]


def over(color: np.ndarray, ground: np.ndarray | int) -> np.ndarray:
    """Return colors uint8 [..., 3 or 4] over an opaque ground, as RGB uint8 [..., 3].

    ground: RGB uint8 of the same shape, or one gray.
    """
    if color.shape[-1] == 3:
        return color
    alpha = color[..., 3:].astype(np.uint16)
    return ((color[..., :3] * alpha + ground * (255 - alpha) + 127) // 255).astype(np.uint8)


def lay_lines(color: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """Lay lines unchanged over colors uint8 [H, W, 3 or 4]; the colors show where no line covers them.

    lines: line art uint8 [H, W], which is black ink, or ink of any color, straight RGBA uint8 [H, W, 4]. Over
    transparent areas a line keeps its own color and alpha; black ink is the more opaque, the darker the line art is.
    Over translucent colors it is mixed with them (Porter and Duff, "Compositing Digital Images", 1984). Over any
    backdrop, black lines then look as if the line art were multiplied over the colors and the backdrop.
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
        mixed = (color[..., 3] > 0) & (color[..., 3] < 255)
        own = np.zeros((np.count_nonzero(mixed), 3), np.uint8) if is_black else lines[mixed][:, :3]
        laid[mixed] = _mix(color[mixed], own, seen[mixed])
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
    if frame.shape[2] == 4:  # a line makes what is under it more opaque
        uncovered = 255 * (1 - frame[..., 3] / np.float32(255)) / np.maximum(seen, 1)
        paint[..., 3] = np.round(255 * (1 - uncovered)).clip(0, 255)
    color = fill_under_lines(line_art, paint, gap=0)  # the frame's colors separate the sides, so close no gaps
    off = np.abs(lay_lines(color, ink).astype(np.int16) - frame).max(axis=2) > 1
    off &= seen >= NEARLY_BLACK
    covered = (255 - seen[off, None]).astype(np.float32)
    alpha = frame[off][:, 3:].astype(np.float32) if frame.shape[2] == 4 else np.float32(255)
    own = frame[off][:, :3] * alpha - (ink[off][:, :3] * covered if ink.ndim == 3 else 0)
    color[off] = paint[off]
    color[off, :3] = np.round(own / np.maximum(alpha - covered, 1)).clip(0, 255)
    return color


def _mix(color: np.ndarray, line: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return lines over translucent colors, straight RGBA uint8 [P, 4] both ways.

    line: RGB uint8 [P, 3]; seen: how much of the color is seen through it, uint8 [P].
    """
    covered = 255 - seen[:, None].astype(np.float32)
    under = color[:, 3:] * (255 - covered) / 255
    alpha = covered + under
    mixed = (line * covered + color[:, :3] * under) / alpha
    return np.round(np.concatenate([mixed, alpha], axis=1)).astype(np.uint8)
