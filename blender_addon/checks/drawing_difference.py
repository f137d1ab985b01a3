# SPDX-License-Identifier: GPL-3.0-or-later
"""How much a drawing differs from the one before it, and drawings that are none."""

from __future__ import annotations

import numpy as np

from .regions import INK

CUT = 0.5
"""From this difference on it is probably another shot. Between drawings that follow each other in eleven shots the
largest was 0.45; between drawings of two of these shots it was above 0.5 in 78 of 100 cases."""

_COLUMNS = 48
_MAX_SHIFT = 3
"""Columns of the small picture, and by how many of them a line may move without being missed."""


def ink_share(line_art: np.ndarray) -> float:
    """How much of uint8 [H, W] is line, 0 to 1: nothing on an empty drawing, nearly all when black and white are
    swapped."""
    return float(np.mean(line_art < INK))


def small_ink(line_art: np.ndarray) -> np.ndarray:
    """Where lines are, blurred by as much as they may move from drawing to drawing: float32 [h, w]."""
    height, width = line_art.shape
    step = max(1, width // _COLUMNS)
    rows, columns = max(1, height // step), max(1, width // step)
    ink = (line_art < INK)[: rows * step, : columns * step].astype(np.float32)
    small = np.sqrt(ink.reshape(rows, step, columns, step).mean(axis=(1, 3)))
    for axis in (0, 1):
        padded = np.pad(small, [(_MAX_SHIFT, _MAX_SHIFT) if one == axis else (0, 0) for one in (0, 1)])
        small = sum(
            np.take(padded, range(shift, shift + small.shape[axis]), axis=axis) for shift in range(2 * _MAX_SHIFT + 1)
        )
    return small


def difference(previous: np.ndarray, current: np.ndarray) -> float:
    """How much two results of `small_ink` differ: 0 are equal, 1 have no line near each other."""
    together = float(np.maximum(previous, current).sum())
    return 1 - float(np.minimum(previous, current).sum()) / together if together else 0.0
