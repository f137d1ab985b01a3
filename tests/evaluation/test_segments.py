# SPDX-License-Identifier: GPL-3.0-or-later
"""Segments count alike however large they are, and so do drawings."""

import cv2
import numpy as np
import pytest

from server.evaluation.metrics import right_pixels
from server.evaluation.segments import LARGE, SegmentShares, find_segments, mean_shares, segment_shares

RED, BLUE, WHITE = (220, 40, 40), (50, 60, 210), (255, 255, 255)
SPECK = np.s_[21:24, 101:104]


def drawing() -> np.ndarray:
    """Two boxes and a speck, whose 3×3 interior pixels are `SPECK`, on paper."""
    line_art = np.full((90, 160), 255, np.uint8)
    cv2.rectangle(line_art, (10, 10), (40, 40), 0, 1)
    cv2.rectangle(line_art, (60, 10), (90, 40), 0, 1)
    cv2.rectangle(line_art, (99, 19), (105, 25), 0, 1)
    return line_art


def painting(first=RED, second=RED, speck=RED) -> np.ndarray:
    picture = np.full((90, 160, 3), WHITE, np.uint8)
    picture[10:41, 10:41], picture[10:41, 60:91], picture[19:26, 99:106] = first, second, speck
    return picture


def shares(result: np.ndarray, truth: np.ndarray) -> SegmentShares:
    return segment_shares(find_segments(drawing()), right_pixels(result, truth, drawing()))


def test_every_segment_counts_alike_and_small_ones_are_left_out_of_the_large():
    assert LARGE > 9
    wrong = shares(painting(second=BLUE, speck=BLUE), painting())
    assert (wrong.segments, wrong.large) == (2 / 4, 2 / 3)
    interior = 27 * 27
    paper = find_segments(drawing()).sizes.max()
    assert wrong.pixels == pytest.approx((paper + interior) / (paper + 2 * interior + 9))
    assert shares(painting(), painting()) == SegmentShares(1, 1, 1)


def test_a_segment_is_right_when_most_of_its_pixels_are():
    result = painting()
    result[10:24, 10:41] = BLUE  # 12 of 27 rows
    assert shares(result, painting()).segments == 1
    result[10:26, 10:41] = BLUE  # 14 of 27 rows
    assert shares(result, painting()).segments == 3 / 4


def test_lines_and_their_fringe_do_not_count():
    result = painting()
    result[9:12, 9:42] = result[39:42, 9:42] = BLUE
    assert shares(result, painting()) == SegmentShares(1, 1, 1)


def test_a_drawing_without_segments_leaves_the_mean_as_it_is():
    line_art = np.zeros((90, 160), np.uint8)
    nothing = segment_shares(find_segments(line_art), line_art > 0)
    assert nothing == SegmentShares(None, None, None)
    mean = mean_shares([nothing, SegmentShares(1, 1, 1), SegmentShares(0.5, None, 0)])
    assert mean == SegmentShares(0.75, 1, 0.5)
