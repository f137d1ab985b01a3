# SPDX-License-Identifier: GPL-3.0-or-later
"""Optical flow between line drawings, and the votes of a finished drawing that it carries along.

Where little moves, the drawing before knows the answer better than any model; where much moves, comes back or is
uncovered, flow is lost and the model knows. Both vote.
"""

import cv2
import numpy as np


def soften(line_art: np.ndarray) -> np.ndarray:
    """Blur line art uint8 [H, W], so that there is something to follow on both sides of a line."""
    return cv2.GaussianBlur(line_art, (0, 0), line_art.shape[0] / 60)


def backward_map(target: np.ndarray, source: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return columns and rows, float32 [H, W] each, of the place in `source` that each pixel of `target` comes from, by
    DIS optical flow between softened line art uint8 [H, W]."""
    height, width = target.shape
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    step = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(target, source, None)
    return columns + step[..., 0], rows + step[..., 1]


def carried_votes(
    labels: np.ndarray, source: np.ndarray, target: np.ndarray, count: int, size: tuple[int, int]
) -> np.ndarray:
    """Let a finished drawing vote on another one.

    labels: uint8 [H, W], the palette entry of every pixel of the finished drawing; source, target: line art uint8
    [H, W] of that drawing and of the one to colour; count: entries of the palette; size: (height, width) of the
    votes. Returns float32 [height, width, count]; a pixel's votes add up to how well the drawings match there, 0..1.
    """
    source, target = soften(source), soften(target)
    columns, rows = backward_map(target, source)
    carried = cv2.remap(labels, columns, rows, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    moved = cv2.remap(source, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    contrast = max(float(target.std()), 1.0)
    match = np.exp(-(((moved.astype(np.float32) - target) / contrast) ** 2))
    height, width = size
    votes = [
        cv2.resize(np.where(carried == entry, match, 0), (width, height), interpolation=cv2.INTER_AREA)
        for entry in range(count)
    ]
    return np.stack(votes, axis=-1)
