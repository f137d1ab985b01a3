# SPDX-License-Identifier: GPL-3.0-or-later
"""Cuts in a shot, so that a keyframe colors its own scene."""

from collections.abc import Iterable

import numpy as np

from shared.checks.drawing_difference import CUT, difference, ink_share, small_ink

SUDDEN = 0.1
"""At a cut, the lines change by so much more than just before and after it. Fast motion goes on."""


def find_cuts(drawings: Iterable[np.ndarray]) -> tuple[int, ...]:
    """Return which drawings, line art uint8 [H, W] each, begin another scene. Blank ones are skipped."""
    indices, changes = [], []
    before: np.ndarray | None = None
    for index, line_art in enumerate(drawings):
        if ink_share(line_art) == 0:
            continue
        here = small_ink(line_art)
        if before is not None:
            indices.append(index)
            changes.append(difference(before, here))
        before = here
    beside = [max(changes[max(0, at - 1) : at] + changes[at + 1 : at + 2], default=0.0) for at in range(len(changes))]
    return tuple(
        index
        for index, change, other in zip(indices, changes, beside, strict=True)
        if change >= max(CUT, other + SUDDEN)
    )
