# SPDX-License-Identifier: GPL-3.0-or-later
"""Connected areas of paper, as the line matcher reads them: plain ones, that leak through every break of a line."""

import cv2
import numpy as np

from .network import STRIDE

LINE_BELOW = 200
"""Line art darker than this is line."""


def connected_areas(line_art: np.ndarray) -> np.ndarray:
    """Return the number of the area int64 [H/4, W/4] under each feature of line art uint8 [H, W]: that of its brightest
    pixel, 0 where all is line."""
    _, areas = cv2.connectedComponents((line_art >= LINE_BELOW).astype(np.uint8), connectivity=4, ltype=cv2.CV_32S)
    blocks, numbers = (
        image.reshape(line_art.shape[0] // STRIDE, STRIDE, -1, STRIDE).transpose(0, 2, 1, 3).reshape(-1, STRIDE**2)
        for image in (line_art, areas)
    )
    brightest = numbers[np.arange(len(blocks)), blocks.argmax(axis=1)]
    return brightest.reshape(line_art.shape[0] // STRIDE, -1).astype(np.int64)
