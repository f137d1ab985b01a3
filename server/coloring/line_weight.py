# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of a painting that are wider than those of its drawing, and paint that reaches over them.

What sticks out would be seen beside the drawing's own lines, and a wide line would be taken for a fill.
"""

import cv2
import numpy as np
from scipy import ndimage

from .line_art.compositing import over
from .line_art.regions import find_regions, nearest

WIDEST = 0.012
"""Lines stick out by less than this on each side, in heights. What is farther is another drawing."""
_SURE, _LIKELY = 0.75, 1 / 3
"""Lines stick out if so much of what is beside them is line, and as far as so much is. Smooth edges are half line."""
_CONTRAST = 60
"""Where a line and the fill beside it differ by less than this in all channels, nothing can stick out."""
_FEWEST = 100
_SQUARE = np.ones((3, 3), np.uint8)


def find_excess(line_art: np.ndarray, painting: np.ndarray) -> int:
    """Return by how many pixels, on each side, the lines of a painting uint8 [H, W, 3 or 4] stick out over those of its
    drawing, line art uint8 [H, W]."""
    regions = find_regions(line_art)
    if not regions.is_line.any():
        return 0
    most = max(3, round(WIDEST * len(line_art)))
    inside = regions.sources(regions.depth > most + 1).ravel()
    middle = nearest(regions.is_line & (line_art == cv2.erode(line_art, _SQUARE))).ravel()
    own = over(painting, 255).reshape(-1, 3).astype(np.int16)
    line, fill = own[middle], own[inside]
    is_seen = np.abs(line - fill).max(axis=1) > _CONTRAST
    is_seen &= regions.labels.ravel()[inside] == regions.labels.ravel()
    is_line = np.abs(own - line).sum(axis=1) < np.abs(own - fill).sum(axis=1)
    away = np.where(is_seen, np.round(regions.depth.ravel()), 0).astype(int)
    total, lines = (np.bincount(away, weights, most + 2)[1 : most + 1] for weights in (None, is_line))
    share = np.where(total >= _FEWEST, lines / np.maximum(total, 1), 0)
    is_wide = share > _LIKELY
    return int(np.argmin(is_wide)) if share[0] > _SURE else 0


def take_off_excess(line_art: np.ndarray, painting: np.ndarray, excess: int) -> np.ndarray:
    """Replace what is up to `excess` pixels beside the lines of line art uint8 [H, W] by the paint beyond.

    painting: uint8 [H, W, C]. A region that has nothing beyond shows what is in its middle.
    """
    regions = find_regions(line_art)
    deepest = np.asarray(ndimage.maximum(regions.depth, regions.labels, range(regions.count)))[regions.labels]
    kept = regions.depth > np.minimum(excess + 1, deepest - 0.5)
    itself = np.arange(kept.size).reshape(kept.shape)
    return painting.reshape(-1, painting.shape[2])[np.where(kept, itself, regions.sources(kept))]
