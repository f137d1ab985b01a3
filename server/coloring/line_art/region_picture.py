# SPDX-License-Identifier: GPL-3.0-or-later
"""The regions of a drawing as a picture: what gets one color each."""

import numpy as np

from .compositing import lay_lines
from .drawing import Drawing
from .regions import find_regions

_DARKEST, _BRIGHTEST = 96, 240


def draw_regions(drawing: Drawing, gap: float, smallest: int) -> np.ndarray:
    """Return the regions of a drawing in random colors, the same every time, below its lines: RGB uint8 [H, W, 3].

    gap, smallest: as `ShotManifest.gap` and `smallest_region`. Two regions that leak into each other have one color.
    """
    regions = find_regions(drawing.line_art, gap or None, smallest)
    colors = np.random.default_rng(0).integers(_DARKEST, _BRIGHTEST, (regions.count, 3)).astype(np.uint8)
    return lay_lines(colors[regions.labels], drawing.ink)
