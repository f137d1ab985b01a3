# SPDX-License-Identifier: GPL-3.0-or-later
"""The ceiling: the best possible coloring of a shot with the colors of its keyframes."""

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.spatial import cKDTree

from server.coloring.line_art.compositing import fill_under_lines, lay_lines
from server.coloring.palette import distinct_colors, to_lab


def ceiling(drawings: Sequence[np.ndarray], truth: Sequence[np.ndarray], keyframes: Iterable[int]) -> list[np.ndarray]:
    """Give every pixel the color of the keyframes that is nearest to the pixel's true color.

    No method that copies the keyframes' colors can be right where this result is wrong, because no keyframe has the
    color there.

    drawings: line art uint8 [H, W] each; truth: finished frames RGB uint8 [H, W, 3], one for each drawing; keyframes:
    the painted drawings. Returns one RGB uint8 [H, W, 3] for each drawing.
    """
    fills = np.concatenate([fill_under_lines(drawings[at], truth[at]) for at in keyframes])
    shown, _, _ = distinct_colors(fills.reshape(-1, 3))
    tree = cKDTree(to_lab(shown))
    results = []
    for drawing, true in zip(drawings, truth, strict=True):
        colors, _, place = distinct_colors(true.reshape(-1, 3))
        results.append(lay_lines(shown[tree.query(to_lab(colors))[1]][place].reshape(true.shape), drawing))
    return results
