# SPDX-License-Identifier: GPL-3.0-or-later
"""Registration of a painting with its line art: a painting that was exported with an offset is moved onto its lines.

The offset is where the correlation of lines and edges is highest. Whole pixels are enough, because regions take their
colors from their middle, and the line art itself is laid over them.
"""

from dataclasses import replace

import cv2
import numpy as np

from server.coloring.line_art.compositing import over

from .shot import Shot

FARTHEST = 0.03
"""The longest offset, in heights."""
BETTER = 1.01
"""A painting is moved only if that makes the correlation so many times as high."""
SMALLEST = 2
"""Offsets of fewer pixels are left alone, because they do no harm."""
LEAST = 0.3
"""The lowest correlation of a painting that belongs to a drawing."""
_WIDTH = 2.0


def register(shot: Shot) -> tuple[Shot, str]:
    """Move the paintings of a shot that are off their lines. Also return what the animator should know of it; empty for
    nothing."""
    offsets = {drawing: find_offset(shot.drawings[drawing], image) for drawing, image in shot.keyframes.items()}
    if not any(map(any, offsets.values())):
        return shot, ""
    keyframes = {
        drawing: move(image, (-offsets[drawing][0], -offsets[drawing][1])) for drawing, image in shot.keyframes.items()
    }
    moves = " and ".join(_describe(offset) for offset in offsets.values() if any(offset))
    return replace(shot, keyframes=keyframes), f"A keyframe's painting was off its lines: {moves}."


def find_offset(line_art: np.ndarray, painting: np.ndarray) -> tuple[int, int]:
    """Return how many pixels (right, down) a painting uint8 [H, W, 3 or 4], with or without lines, is off line art
    uint8 [H, W]; (0, 0) if it lies on it, or if no offset makes it fit better."""
    lines, edges = _ridges(255 - line_art), _ridges(_contrast(over(painting, 255)))
    reach = round(FARTHEST * len(line_art))
    middle = lines[reach : len(lines) - reach, reach : lines.shape[1] - reach]
    if not middle.any() or not edges.any():
        return 0, 0
    correlation = cv2.matchTemplate(edges, middle, cv2.TM_CCOEFF_NORMED)
    down, right = (int(at) - reach for at in np.unravel_index(correlation.argmax(), correlation.shape))
    fits = correlation.max() >= max(LEAST, BETTER * correlation[reach, reach])
    return (right, down) if fits and max(abs(right), abs(down)) >= SMALLEST else (0, 0)


def move(image: np.ndarray, offset: tuple[int, int]) -> np.ndarray:
    """Move an image [H, W, …] by (right, down) pixels. What is beyond its borders continues them."""
    height, width = image.shape[:2]
    rows, columns = np.arange(height) - offset[1], np.arange(width) - offset[0]
    return image[rows.clip(0, height - 1)[:, None], columns.clip(0, width - 1)]


def _describe(offset: tuple[int, int]) -> str:
    right, down = offset
    parts = [
        f"{abs(count)} px {words[count > 0]}"
        for count, words in ((right, ("left", "right")), (down, ("up", "down")))
        if count
    ]
    return " and ".join(parts)


def _contrast(painting: np.ndarray) -> np.ndarray:
    """Return the largest difference of a channel between a pixel's neighbors, uint8 [H, W]."""
    return cv2.morphologyEx(painting, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).max(axis=2)


def _ridges(edges: np.ndarray) -> np.ndarray:
    """Return edges uint8 [H, W] as float32, so wide that both sides of a line are one."""
    return cv2.GaussianBlur(edges.astype(np.float32), (0, 0), max(_WIDTH, len(edges) / 400))
