# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of a painting that are wider than those of its drawing, and paint that reaches over them.

What sticks out would be seen beside the drawing's own lines, and a wide line would be taken for a fill.
"""

import cv2
import numpy as np
from scipy import ndimage

from .line_art.compositing import over
from .line_art.regions import Regions, find_regions, nearest

WIDEST = 0.012
"""The farthest that lines may stick out on each side, in heights."""
_CONTRAST = 60
"""Where a line and the fill beside it differ by less than this in all channels, nothing can stick out."""
_FEWEST = 100
_SQUARE = np.ones((3, 3), np.uint8)


def find_excess(line_art: np.ndarray, painting: np.ndarray) -> int:
    """Return by how many pixels, on each side, the lines of a painting uint8 [H, W, 3 or 4] stick out over those of its
    drawing, line art uint8 [H, W]. Most lines must."""
    regions = find_regions(line_art)
    most = max(3, round(WIDEST * len(line_art)))
    inside = regions.sources(regions.depth > most + 1)
    middle = nearest(regions.is_line & (line_art == cv2.erode(line_art, _SQUARE))) if regions.is_line.any() else inside
    colors = over(painting, 255).reshape(-1, 3)
    own, line, fill = (colors[at].astype(np.int16) for at in (slice(None), middle.ravel(), inside.ravel()))
    told_apart = np.abs(line - fill).max(axis=1) > _CONTRAST
    told_apart &= regions.labels.ravel()[inside.ravel()] == regions.labels.ravel()
    is_line = np.abs(own - line).sum(axis=1) < np.abs(own - fill).sum(axis=1)
    away = np.where(told_apart, np.round(regions.depth.ravel()), 0).astype(int)
    counts, covered = (np.bincount(away, weights, most + 2)[: most + 2] for weights in (None, is_line))
    sticks_out = (2 * covered > counts) & (counts >= _FEWEST)
    return int(np.argmin([*sticks_out[1:], False]))


def take_off_excess(line_art: np.ndarray, painting: np.ndarray, excess: int) -> np.ndarray:
    """Replace what is up to `excess` pixels beside the lines of line art uint8 [H, W] by the paint beyond.

    painting: uint8 [H, W, C]. A region that has nothing beyond keeps what is in its middle.
    """
    regions = find_regions(line_art)
    deepest = np.asarray(ndimage.maximum(regions.depth, regions.labels, range(regions.count)))[regions.labels]
    kept = regions.depth > np.minimum(excess + 1, deepest - 0.5)
    return painting.reshape(-1, painting.shape[2])[_beyond(regions, kept)]


def _beyond(regions: Regions, kept: np.ndarray) -> np.ndarray:
    """Return the flat index [H, W] of what each pixel shows: itself if it is kept."""
    itself = np.arange(kept.size).reshape(kept.shape)
    return np.where(kept, itself, regions.sources(kept))
