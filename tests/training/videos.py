# SPDX-License-Identifier: GPL-3.0-or-later
"""Miniature videos of a disc that moves to the right."""

from pathlib import Path

import cv2
import numpy as np

WIDTH, HEIGHT, RATE = 160, 96, 24


def picture(step: int) -> np.ndarray:
    """A red disc with a dark outline on a blue ground, further right with every step; RGB."""
    image = np.full((HEIGHT, WIDTH, 3), (120, 170, 230), np.uint8)
    cv2.circle(image, (30 + 8 * step, 48), 20, (220, 40, 40), -1)
    cv2.circle(image, (30 + 8 * step, 48), 20, (20, 20, 20), 2)
    return image


def write_video(path: Path, steps: list[int]) -> None:
    """Write a video, one frame for each step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), RATE, (WIDTH, HEIGHT))
    for step in steps:
        video.write(cv2.cvtColor(picture(step), cv2.COLOR_RGB2BGR))
    video.release()
