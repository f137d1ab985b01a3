# SPDX-License-Identifier: GPL-3.0-or-later
"""Simpler methods to color a shot from keyframes, in their strongest fair form.

All of them propagate to each drawing the own colors of the nearest keyframe, filled under its lines. They put each
drawing's own lines on top, as our method does.
"""

from collections.abc import Iterator, Mapping, Sequence

import cv2
import numpy as np

from server.coloring.line_art.compositing import fill_under_lines, lay_lines
from server.evaluation.optical_flow import backward_map, soften
from server.evaluation.sources import stretches


def hold(drawings: Sequence[np.ndarray], keyframes: Mapping[int, np.ndarray]) -> list[np.ndarray]:
    """Show the nearest keyframe's colors under every drawing.

    drawings: line art uint8 [H, W] each; keyframes: RGB uint8 [H, W, 3] by drawing. Returns one RGB uint8 [H, W, 3] a
    drawing.
    """
    results: list[np.ndarray] = []
    for at, stretch in stretches(len(drawings), keyframes):
        fills = fill_under_lines(drawings[at], keyframes[at])
        results += [lay_lines(fills, drawings[index]) for index in stretch]
    return results


def flow(drawings: Sequence[np.ndarray], keyframes: Mapping[int, np.ndarray]) -> list[np.ndarray]:
    """Propagate the nearest keyframe's colors to each drawing by DIS optical flow between the line drawings.

    The arguments and the result are those of `hold`. Flow goes from each drawing to its neighbor nearer the keyframe.
    The steps are chained into one map back to the keyframe. The keyframe is sampled once, at the nearest pixel, so that
    flats stay flats. Of the variants tried on six procedural clips, this one had the largest share of moved pixels
    right: 0.67, compared with 0.62 with lines blurred a third as much and 0.45 with flow straight from the keyframe to
    each drawing.
    """
    results: dict[int, np.ndarray] = {}
    height, width = drawings[0].shape
    back_x: np.ndarray
    back_y: np.ndarray
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    for at, order in _directions(len(drawings), keyframes):
        fills = fill_under_lines(drawings[at], keyframes[at])
        results[at] = lay_lines(fills, drawings[at])
        back_x, back_y, nearer = columns, rows, soften(drawings[at])
        for index in order:
            current = soften(drawings[index])
            to_x, to_y = backward_map(current, nearer)
            back_x, back_y = (
                cv2.remap(back, to_x, to_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
                for back in (back_x, back_y)
            )
            warped = cv2.remap(fills, back_x, back_y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
            results[index] = lay_lines(warped, drawings[index])
            nearer = current
    return [results[index] for index in range(len(drawings))]


def flow_previous(drawings: Sequence[np.ndarray], keyframes: Mapping[int, np.ndarray]) -> list[np.ndarray]:
    """Propagate the colors of each result to the next drawing by DIS optical flow, as ACOF does (paper §2).

    The arguments and the result are those of `hold`. Every result is filled under its lines before it is propagated,
    which keeps lines from smearing: on six procedural clips, 0.727 of the moved pixels are right, compared with 0.721
    without.
    """
    results: dict[int, np.ndarray] = {}
    for at, order in _directions(len(drawings), keyframes):
        fills, nearer = fill_under_lines(drawings[at], keyframes[at]), soften(drawings[at])
        results[at] = lay_lines(fills, drawings[at])
        for index in order:
            current = soften(drawings[index])
            warped = cv2.remap(
                fills, *backward_map(current, nearer), cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
            )
            fills = fill_under_lines(drawings[index], warped)
            results[index] = lay_lines(fills, drawings[index])
            nearer = current
    return [results[index] for index in range(len(drawings))]


def _directions(drawings: int, keyframes: Mapping[int, np.ndarray]) -> Iterator[tuple[int, range]]:
    """Each keyframe with the drawings of its stretch after it, in order, and with those before it, backward."""
    for at, stretch in stretches(drawings, keyframes):
        yield at, range(at + 1, stretch.stop)
        yield at, range(at - 1, stretch.start - 1, -1)
