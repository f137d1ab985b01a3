# SPDX-License-Identifier: GPL-3.0-or-later
"""Small drawings for the tests: outlines and their paintings."""

import cv2
import numpy as np

SKY, RED, BLUE, GREEN = (190, 220, 250), (230, 60, 50), (60, 80, 210), (70, 160, 80)


def paper(height: int = 180, width: int = 320) -> np.ndarray:
    """A blank drawing, uint8 [H, W]."""
    return np.full((height, width), 255, np.uint8)


def circle(drawing: np.ndarray, center: tuple[int, int], radius: int, gap: float = 0.0) -> None:
    """Draw a circle's outline, open on its right side by `gap` pixels between the ends of the line."""
    opening = np.degrees((gap + 3) / radius) / 2 if gap else 0
    angles = np.radians(np.linspace(opening, 360 - opening, 200))
    points = np.stack([center[0] + radius * np.cos(angles), center[1] + radius * np.sin(angles)], 1)
    cv2.polylines(drawing, [np.round(points * 16).astype(np.int32)], not gap, 0, 3, cv2.LINE_AA, 4)


def scene(x: int = 60, gap: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """A red ball at `x` and a blue one over the sky: the line art and the finished painting, lines on it."""
    drawing = paper()
    labels = np.zeros(drawing.shape, np.uint8)
    for number, center in ((1, (x, 60)), (2, (200, 110))):
        circle(drawing, center, 36, gap)
        cv2.circle(labels, center, 36, number, -1)
    fills = np.array([SKY, RED, BLUE], np.uint8)[labels]
    return drawing, (fills * (drawing[..., None] / 255)).round().astype(np.uint8)


def with_alpha(painting: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """A painting RGB uint8 [H, W, 3] with an alpha [H, W] of 0 to 255, as straight RGBA with zeros where nothing is."""
    return np.where(alpha[..., None] > 0, np.dstack([painting, alpha]), 0).astype(np.uint8)
