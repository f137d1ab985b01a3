# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings as pictures to lie over a drawing: shapes differ as well as colours."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .gaps import Gap

_ORANGE = (230, 97, 0, 255)
_BLUE = (26, 99, 190, 255)


def draw_gaps(overlay: np.ndarray, gaps: Iterable[Gap]) -> None:
    """Draw a ring round each gap into an overlay, RGBA uint8 [H, W, 4]."""
    height, width = overlay.shape[:2]
    thick = max(2, height // 270)
    for gap in gaps:
        radius = max(3 * thick, 2 * gap.width)
        reach = radius + thick
        rows = slice(max(0, int(gap.y) - reach), min(height, int(gap.y) + reach + 1))
        columns = slice(max(0, int(gap.x) - reach), min(width, int(gap.x) + reach + 1))
        y, x = np.ogrid[rows, columns]
        ring = np.abs(np.hypot(y - gap.y, x - gap.x) - radius) <= thick / 2
        overlay[rows, columns][ring] = _ORANGE


def draw_cut(overlay: np.ndarray) -> None:
    """Draw a dashed frame round the picture."""
    height, width = overlay.shape[:2]
    thick, dash = max(4, height // 90), max(12, height // 20)
    y, x = np.ogrid[:height, :width]
    rows, columns = (np.arange(height) // dash % 2 == 0), (np.arange(width) // dash % 2 == 0)
    edge_rows = (y < thick) | (y >= height - thick)
    edge_columns = (x < thick) | (x >= width - thick)
    overlay[(edge_rows & columns[None, :]) | (edge_columns & rows[:, None])] = _BLUE
