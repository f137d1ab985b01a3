# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of a painted picture, by a classical filter that needs no weights."""

import cv2
import numpy as np


class DifferenceOfGaussians:
    """The classical extractor: Winnemöller et al., "XDoG", 2012, Eq. 5 and 6 with τ = 1. Flat areas stay paper however
    dark they are, and only the dark side of an edge becomes a line.

    line_width: in pixels at a height of 540. contrast: the smallest difference in brightness, from 0 to 1, between a
    line and its surroundings.
    """

    def __init__(self, line_width: float = 1.5, contrast: float = 0.02) -> None:
        self.line_width = line_width
        self.contrast = contrast

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Turn RGB uint8 [H, W, 3] into line art uint8 [H, W], 0 line and 255 paper."""
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
        deviation = self.line_width / 2 * max(1.0, image.shape[0] / 540)
        narrow, wide = (cv2.GaussianBlur(gray, (0, 0), deviation * factor) for factor in (1.0, 1.6))
        below = np.minimum(narrow - wide + self.contrast, 0)
        steepness = 4 / self.contrast
        return np.round(255 * (1 + np.tanh(steepness * below))).astype(np.uint8)
