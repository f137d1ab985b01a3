# SPDX-License-Identifier: GPL-3.0-or-later
"""Areas of paper, as the line matcher reads them: closed regions that small breaks in the lines do not open."""

import numpy as np

from server.coloring.line_art.regions import find_regions

from .network import STRIDE


def find_areas(line_art: np.ndarray) -> np.ndarray:
    """Return the number of the area under each feature of line art uint8 [H, W], int64 [H/4, W/4]. It is the area of
    the brightest pixel, or 0 where all pixels are lines."""
    regions = find_regions(line_art)
    areas = np.where(regions.is_line, 0, regions.labels + 1)
    blocks, numbers = (
        image.reshape(line_art.shape[0] // STRIDE, STRIDE, -1, STRIDE).transpose(0, 2, 1, 3).reshape(-1, STRIDE**2)
        for image in (line_art, areas)
    )
    brightest = numbers[np.arange(len(blocks)), blocks.argmax(axis=1)]
    return brightest.reshape(line_art.shape[0] // STRIDE, -1).astype(np.int64)
