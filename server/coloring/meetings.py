# SPDX-License-Identifier: GPL-3.0-or-later
"""Which palette entries meet on open paper, without a line between them.

Most entries of line art meet only at lines. A coloring in which two of them meet elsewhere shows a border that was
never painted.
"""

import cv2
import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from server.coloring.line_art.regions import find_paper

CLEAR = 3
"""Paper is open where no line is within this many pixels."""
FEWEST = 3
"""Entries meet where at least this many pairs of pixels touch."""
ALIKE = 10.0
"""Colors that differ by less (CIE76 ΔE) may be steps of one gradient. They may meet, and meet what the other meets."""
SAME_GRADIENT = 20.0
"""Colors that meet and differ by no more than this (CIE76 ΔE) are steps of one gradient."""


def find_meetings(line_art: np.ndarray, entries: np.ndarray, count: int) -> np.ndarray:
    """Return which palette entries meet on the open paper of a painted drawing, bool [count, count].

    line_art: uint8 [H, W]; entries: uint16 [H, W], below `count`. They also meet across one pixel, which may mix them.
    """
    square = np.ones((2 * CLEAR + 1, 2 * CLEAR + 1), np.uint8)
    paper = cv2.erode(find_paper(line_art).astype(np.uint8), square) > 0
    touching = np.zeros(count * count, np.int64)
    for reach in (1, 2):
        for here, there in ((np.s_[reach:], np.s_[:-reach]), (np.s_[:, reach:], np.s_[:, :-reach])):
            at = paper[here] & paper[there] & (entries[here] != entries[there])
            pairs = entries[here][at].astype(np.int64) * count + entries[there][at]
            touching += np.bincount(pairs, minlength=count * count)
    pairs_of = touching.reshape(count, count)
    return pairs_of + pairs_of.T >= FEWEST


def extend_meetings(meetings: np.ndarray, appearances: np.ndarray) -> np.ndarray:
    """Add the meetings of entries that look alike; see `ALIKE`.

    meetings: bool [N, N]; appearances: float32 [N, C], see `palette.appearance`.
    """
    alike = np.linalg.norm(appearances[:, None] - appearances, axis=2) < ALIKE
    return alike | (alike @ meetings @ alike)


def find_gradients(meetings: np.ndarray, appearances: np.ndarray) -> np.ndarray:
    """Return the gradient of each entry, int64 [N]; those of one gradient have the same number.

    meetings: bool [N, N]; appearances: float32 [N, C], see `palette.appearance`.
    """
    near = np.linalg.norm(appearances[:, None] - appearances, axis=2) < SAME_GRADIENT
    return connected_components(sparse.coo_array(near & meetings), directed=False)[1].astype(np.int64)
