# SPDX-License-Identifier: GPL-3.0-or-later
"""Registration of a painting with its line art: a painting that is off its lines is fitted to them on the way in.

It may be moved or at another size, or its lines may be wider. A position fits the better, the higher the correlation of
lines and edges is. Whole pixels are enough, because regions take their colors from their middle, and the line art
itself is laid over them.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np

from server.coloring.line_art.compositing import over

from .line_weight import find_excess, take_off_excess
from .shot import Shot

FARTHEST = 0.03
"""The longest offset of a painting at the right size, in heights."""
BETTER = 1.01
"""A painting is moved only if that makes the correlation so many times as high."""
SMALLEST = 2
"""Offsets of fewer pixels are left alone, because they do no harm."""
LEAST = 0.3
"""The lowest correlation of a painting that belongs to a drawing."""
LIKELY = 0.8
"""From this correlation on, no other size is tried."""
RESIZED, MUCH_BETTER = 0.6, 1.05
"""A painting is resized only if its correlation is then so high, and so many times as high as it was. With drawings
nearby, it stays below 0.55."""
_SCALES = np.geomspace(0.8, 1.25, 31)
_FINER = np.linspace(0.99, 1.01, 9)
_NO_SIZE = 0.005
"""Sizes that differ by less are the same."""
_REACH = 0.15
"""How far a painting at another size may be off its lines, in heights. A tenth smaller, in a corner, it is 0.09."""
_SIDES = (256, 768)
"""The longer sides of the pictures in which sizes are tried: all sizes, then those near the best."""
_WIDTH = 2.0


class Place(NamedTuple):
    """How far a painting is off its lines, in pixels to the right and down, and its correlation when that is undone."""

    right: int
    down: int
    correlation: float


def register(shot: Shot, misplaced: Collection[int] = ()) -> tuple[Shot, dict[int, str]]:
    """Fit the paintings of a shot to their lines. Also return what was changed, as sentences by drawing.

    misplaced: the drawings whose keyframes show another drawing. They stay as they are.
    """
    paintings, changes = dict(shot.keyframes), {}
    for drawing, painting in shot.keyframes.items():
        if drawing in misplaced:
            continue
        paintings[drawing], change = _fitted(shot.drawings[drawing], painting)
        if change:
            changes[drawing] = change
    return (replace(shot, keyframes=paintings), changes) if changes else (shot, changes)


def find_place(line_art: np.ndarray, painting: np.ndarray) -> Place:
    """Find how far a painting uint8 [H, W, 3 or 4], with or without lines, is off line art uint8 [H, W].

    It is 0 if the painting lies on its lines, or if it fits better nowhere else.
    """
    lines, edges = _ridges(255 - line_art), _ridges(_contrast(over(painting, 255)))
    reach = round(FARTHEST * len(line_art))
    middle = lines[reach : len(lines) - reach, reach : lines.shape[1] - reach]
    if not middle.any() or not edges.any():
        return Place(0, 0, 0.0)
    correlation = cv2.matchTemplate(edges, middle, cv2.TM_CCOEFF_NORMED)
    down, right = (int(at) - reach for at in np.unravel_index(correlation.argmax(), correlation.shape))
    best, own = float(correlation.max()), float(correlation[reach, reach])
    if best >= max(LEAST, BETTER * own) and max(abs(right), abs(down)) >= SMALLEST:
        return Place(right, down, best)
    return Place(0, 0, own)


def move(image: np.ndarray, right: int, down: int) -> np.ndarray:
    """Move an image [H, W, …] by pixels. What is beyond its borders continues them."""
    height, width = image.shape[:2]
    rows, columns = np.arange(height) - down, np.arange(width) - right
    return image[rows.clip(0, height - 1)[:, None], columns.clip(0, width - 1)]


def _fitted(line_art: np.ndarray, painting: np.ndarray) -> tuple[np.ndarray, str]:
    """Return a painting, fitted, and what was changed; "" for nothing."""
    place = find_place(line_art, painting)
    correlation = place.correlation
    if excess := find_excess(line_art, painting):
        narrow = take_off_excess(line_art, painting, excess)
        correlation = max(correlation, find_place(line_art, narrow).correlation)
    if 0 < correlation < LIKELY:
        scale, resized = _resized(line_art, painting)
        there = find_place(line_art, resized)
        if there.correlation >= max(RESIZED, MUCH_BETTER * correlation):
            size = f", at {100 / scale:.1f} % of the drawing's size" if abs(scale - 1) >= _NO_SIZE else ""
            change = f"The painting is off its lines{size}; it is fitted to them."
            return move(resized, -there.right, -there.down), change
    if excess:
        lines = f"The painting's lines are {excess} px wider on each side than the drawing's; they are taken off."
        return narrow, lines
    if place[:2] == (0, 0):
        return painting, ""
    offset = f"The painting is off its lines, {_describe(place)}; it is moved onto them."
    return move(painting, -place.right, -place.down), offset


def _resized(line_art: np.ndarray, painting: np.ndarray) -> tuple[float, np.ndarray]:
    """Return a painting at the size at which it fits best, and the scale. Colors are those of the nearest pixels."""
    images = _ridges(255 - line_art), _ridges(_contrast(over(painting, 255)))
    height, width = line_art.shape
    scale, right, down = 1.0, 0.0, 0.0
    for side, scales in zip(_SIDES, (_SCALES, _FINER), strict=True):
        factor = min(1.0, side / max(height, width))
        size = max(1, round(width * factor)), max(1, round(height * factor))
        lines, edges = (cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in images)
        _, scale, right, down = max(_correlate(lines, edges, scale * one) for one in scales)
        right, down = right / factor, down / factor
    matrix = _matrix(line_art, scale, right, down)
    resized = cv2.warpAffine(
        painting, matrix, (width, height), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
    )
    return scale, resized


def _correlate(lines: np.ndarray, edges: np.ndarray, scale: float) -> tuple[float, float, int, int]:
    """Return the highest correlation of lines with scaled edges, float32 [H, W] each; the scale; and how far the edges
    have to move to the right and down."""
    height, width = lines.shape
    reach = min(round(_REACH * height), (height - 1) // 2, (width - 1) // 2)
    scaled = cv2.warpAffine(edges, _matrix(edges, scale, 0, 0), (width, height), borderMode=cv2.BORDER_REPLICATE)
    middle = lines[reach : height - reach, reach : width - reach]
    correlation = cv2.matchTemplate(scaled, middle, cv2.TM_CCOEFF_NORMED)
    down, right = (int(at) for at in np.unravel_index(correlation.argmax(), correlation.shape))
    return float(correlation.max()), scale, reach - right, reach - down


def _matrix(image: np.ndarray, scale: float, right: float, down: float) -> np.ndarray:
    """Return the matrix [2, 3] that scales an image about its middle and moves it, in pixels."""
    height, width = image.shape[:2]
    return np.array(
        [[scale, 0, (1 - scale) * (width - 1) / 2 + right], [0, scale, (1 - scale) * (height - 1) / 2 + down]]
    )


def _describe(place: Place) -> str:
    parts = [
        f"{abs(count)} px {words[count > 0]}"
        for count, words in ((place.right, ("left", "right")), (place.down, ("up", "down")))
        if count
    ]
    return " and ".join(parts)


def _contrast(painting: np.ndarray) -> np.ndarray:
    """Return the largest difference of a channel between a pixel's neighbors, uint8 [H, W]."""
    return cv2.morphologyEx(painting, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).max(axis=2)


def _ridges(edges: np.ndarray) -> np.ndarray:
    """Return edges uint8 [H, W] as float32, so wide that both sides of a line are one."""
    return cv2.GaussianBlur(edges.astype(np.float32), (0, 0), max(_WIDTH, len(edges) / 400))
