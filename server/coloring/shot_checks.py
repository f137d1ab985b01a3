# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that the extension shares, for a shot that is about to be colored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from server.coloring.line_art.drawing import LineFault, line_fault
from server.coloring.registration import register
from server.coloring.shot import Shot
from shared.checks.flaws import SWAPPED, Flaw, check_keyframe
from shared.frame_names import name_frames

MOST_COMPARED = 100
"""With how many drawings near it a keyframe is compared that does not match its own, so that the time of the checks
does not grow with both the keyframes and the drawings of a shot."""


def drawing_errors(drawings: Sequence[np.ndarray]) -> Iterator[tuple[int, Flaw]]:
    """Yield the errors of line art, uint8 [H, W] each, with the index of its drawing."""
    for index, drawing in enumerate(drawings):
        if line_fault(drawing) is LineFault.LIGHT_ON_DARK:
            yield index, SWAPPED


def fit_keyframes(shot: Shot, frame_of: Callable[[int], int]) -> tuple[Shot, dict[int, Flaw], dict[int, str]]:
    """Check the keyframes of a shot, and fit them to their drawings.

    frame_of: the first frame that shows a drawing. Also returns errors and doubts, and what was changed as sentences,
    by the drawings that the keyframes paint. A keyframe that shows another drawing is not fitted. It is no flaw of one
    that is fitted that it was misaligned.
    """
    flaws = dict(keyframe_flaws(shot, frame_of))
    fitted, changes = register(shot, [index for index, flaw in flaws.items() if flaw.code == "another_frame"])
    kept = {index: flaw for index, flaw in flaws.items() if not (flaw.code == "misaligned" and index in changes)}
    return fitted, kept, changes


def keyframe_flaws(shot: Shot, frame_of: Callable[[int], int]) -> Iterator[tuple[int, Flaw]]:
    """Yield errors and doubts about the keyframes of a shot, each with the index of the drawing that it paints.

    frame_of: the first frame that shows a drawing.
    """
    for index, painting in shot.keyframes.items():
        first = min(max(0, index - MOST_COMPARED // 2), max(0, len(shot.drawings) - MOST_COMPARED))
        near = range(first, min(first + MOST_COMPARED, len(shot.drawings)))
        others = ((frame_of(other), shot.drawings[other]) for other in near)
        flaw = check_keyframe(painting, shot.drawings[index], others)
        if flaw is not None:
            yield index, flaw


def describe_blank(frames: Iterable[int]) -> str:
    """Say that frames, one at least, are blank."""
    return f"Blank frames show only what stands still: {name_frames(frames)}."
