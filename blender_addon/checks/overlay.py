# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws findings into pictures to show over a drawing; the findings differ in shape as well as in color."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..shared.checks.gaps import Gap

_ORANGE = (230, 97, 0, 255)
_HALF = 128
_BLUE = (26, 99, 190, 255)


def draw_gaps(overlay: np.ndarray, gaps: Iterable[Gap]) -> None:
    """Draw a ring around each gap into an overlay, RGBA uint8 [H, W, 4]."""
    height, width = overlay.shape[:2]
    thick = max(2, height // 270)
    for gap in gaps:
        radius = max(3 * thick, 2 * gap.width)
        outer = radius + thick
        rows = slice(max(0, int(gap.y) - outer), min(height, int(gap.y) + outer + 1))
        columns = slice(max(0, int(gap.x) - outer), min(width, int(gap.x) + outer + 1))
        y, x = np.ogrid[rows, columns]
        ring = np.abs(np.hypot(y - gap.y, x - gap.x) - radius) <= thick / 2
        overlay[rows, columns][ring] = _ORANGE


def draw_keyframe(overlay: np.ndarray, keyframe: np.ndarray) -> None:
    """Draw a keyframe uint8 [h, w, 3 or 4] half transparent below the content of an overlay, RGBA uint8 [H, W, 4]."""
    height, width = overlay.shape[:2]
    rows, columns = (
        np.arange(side) * count // side for side, count in zip((height, width), keyframe.shape, strict=False)
    )
    picture = keyframe[np.ix_(rows, columns)]
    bare = overlay[..., 3] == 0
    overlay[bare, :3] = picture[bare, :3]
    overlay[bare, 3] = picture[bare, 3] // 2 if picture.shape[2] == 4 else _HALF


def draw_cut(overlay: np.ndarray) -> None:
    """Draw a dashed frame around the picture."""
    height, width = overlay.shape[:2]
    thick, dash = max(4, height // 90), max(12, height // 20)
    y, x = np.ogrid[:height, :width]
    rows, columns = (np.arange(height) // dash % 2 == 0), (np.arange(width) // dash % 2 == 0)
    edge_rows = (y < thick) | (y >= height - thick)
    edge_columns = (x < thick) | (x >= width - thick)
    overlay[(edge_rows & columns[None, :]) | (edge_columns & rows[:, None])] = _BLUE
