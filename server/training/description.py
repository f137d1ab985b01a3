# SPDX-License-Identifier: GPL-3.0-or-later
"""The description of a video in a sentence: where each figure is, and in which colors. Video-XL learns to write it."""

from collections.abc import Sequence

import cv2
import numpy as np

from server.coloring.palette import to_lab

MAX_FIGURES = 5
"""The number of figures in a description: the largest ones."""
MAX_COLORS = 3
"""The number of colors of each figure and of the background: those of the largest areas."""
MIN_SHARE = 0.003
"""Figures that cover a smaller share of the picture are left out."""

_HUES = (
    ("red", 12),
    ("orange", 40),
    ("yellow", 68),
    ("green", 160),
    ("cyan", 200),
    ("blue", 255),
    ("purple", 290),
    ("pink", 340),
    ("red", 360),
)


def describe(labels: np.ndarray, parts: np.ndarray, colors: np.ndarray) -> str:
    """Describe where each figure of a video is and in which colors, the largest first, then the background.

    labels: uint8 [T, H, W], entries of colors uint8 [N, 3]; parts: as `PaintedClip.parts`, figure 0 the background.
    For example: "on the left dark red, white; in the middle blue; behind light green, grey".
    """
    figures = parts >> 8
    phrases = []
    sizes = np.bincount(figures.ravel())
    for figure in np.argsort(-sizes[1:])[:MAX_FIGURES] + 1:
        if sizes[figure] < MIN_SHARE * figures.size:
            break
        of_figure = figures == figure
        across = np.nonzero(of_figure)[2].mean() / figures.shape[2]
        place = ("on the left", "in the middle", "on the right")[min(2, int(3 * across))]
        phrases.append(f"{place} {_main_colors(labels[of_figure], colors)}")
    phrases.append(f"behind {_main_colors(labels[figures == 0], colors)}")
    return "; ".join(phrases)


def _main_colors(labels: np.ndarray, colors: np.ndarray) -> str:
    sizes = np.bincount(labels, minlength=len(colors))
    largest = [index for index in np.argsort(-sizes) if sizes[index]]
    return ", ".join(dict.fromkeys(color_name(colors[index]) for index in largest[:MAX_COLORS])) or "nothing"


def color_name(color: Sequence[int] | np.ndarray) -> str:
    """The plain English name of an RGB color: its hue, and whether it is light or dark."""
    rgb = np.array(color, np.uint8).reshape(1, 3)
    lightness, a, b = to_lab(rgb)[0]
    shade = "light " if lightness > 78 else "dark " if lightness < 38 else ""
    if np.hypot(a, b) < 12:  # "grey" as in the sentences that the weights of tiny were trained on
        return {"light ": "white" if lightness > 93 else "light grey", "dark ": "dark grey"}.get(shade, "grey")
    hue = 2 * int(cv2.cvtColor(rgb[None], cv2.COLOR_RGB2HSV)[0, 0, 0])
    name = next(name for name, end in _HUES if hue <= end)
    if name == "orange" and lightness < 55:
        return f"{shade}brown"
    return f"{shade}{name}"
