# SPDX-License-Identifier: GPL-3.0-or-later
"""The ceiling: the best possible coloring of a shot with the colors of one keyframe."""

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from server.coloring.line_art.compositing import fill_under_lines, lay_lines
from server.coloring.palette import distinct_colors, to_lab


def ceiling(drawings: Sequence[np.ndarray], truth: Sequence[np.ndarray], at: int) -> list[np.ndarray]:
    """Give every pixel the color of drawing number `at` that is nearest to the pixel's true color.

    No method that copies a keyframe's colors can be right where this result is wrong, because the keyframe does not
    have the color there.

    drawings: line art uint8 [H, W] each; truth: finished frames RGB uint8 [H, W, 3], one for each drawing. Returns one
    RGB uint8 [H, W, 3] for each drawing.
    """
    shown, _, _ = distinct_colors(fill_under_lines(drawings[at], truth[at]).reshape(-1, 3))
    tree = cKDTree(to_lab(shown))
    results = []
    for drawing, true in zip(drawings, truth, strict=True):
        colors, _, place = distinct_colors(true.reshape(-1, 3))
        results.append(lay_lines(shown[tree.query(to_lab(colors))[1]][place].reshape(true.shape), drawing))
    return results
