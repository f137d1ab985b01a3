# SPDX-License-Identifier: GPL-3.0-or-later
"""Optical flow between line drawings, for the baselines that propagate colors."""

import cv2
import numpy as np


def soften(line_art: np.ndarray) -> np.ndarray:
    """Blur line art uint8 [H, W], so that flow can follow both sides of a line."""
    return cv2.GaussianBlur(line_art, (0, 0), line_art.shape[0] / 60)


def backward_map(target: np.ndarray, source: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return columns and rows, float32 [H, W] each, of the position in `source` that each pixel of `target` comes from.
    The flow is DIS optical flow (Kroeger et al., 2016) between softened line art uint8 [H, W]."""
    height, width = target.shape
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    step = flow.calc(target, source, None)  # type: ignore[call-overload]  # OpenCV takes None
    return columns + step[..., 0], rows + step[..., 1]
