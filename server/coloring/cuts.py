# SPDX-License-Identifier: GPL-3.0-or-later
"""Cuts between the keyframes of a shot, so that a keyframe colors its own scene."""

from collections.abc import Collection, Sequence
from itertools import pairwise

import numpy as np

from shared.checks.drawing_difference import CUT, difference, ink_share, small_ink


def find_cuts(drawings: Sequence[np.ndarray], keyframes: Collection[int]) -> tuple[int, ...]:
    """Return the drawings that begin another scene, at most one between two neighboring keyframes.

    drawings: line art, uint8 [H, W] each; only those between keyframes are read. keyframes: some of their indices. A
    cut is where the lines change most between two keyframes, if they change as much as between two shots. Blank
    drawings are skipped.
    """
    cuts = []
    for left, right in pairwise(sorted(keyframes)):
        before, most, cut = small_ink(drawings[left]), CUT, None
        for index in range(left + 1, right + 1):
            line_art = drawings[index]
            if ink_share(line_art) == 0:
                continue
            here = small_ink(line_art)
            change = difference(before, here)
            if change >= most:
                most, cut = change, index
            before = here
        if cut is not None:
            cuts.append(cut)
    return tuple(cuts)
