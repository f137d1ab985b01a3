# SPDX-License-Identifier: GPL-3.0-or-later
"""A border that neither a line, nor the truth, nor a keyframe explains is found and measured."""

import cv2
import numpy as np
import pytest

from server.evaluation.borders import CLEAR, NEAR, free_places, meeting_colors, unexplained_borders
from server.evaluation.metrics import RIGHT, delta_e

GREEN, ORANGE, BLUE, GRAY = (70, 160, 80), (240, 150, 40), (60, 80, 210), (128, 128, 128)
HEIGHT, WIDTH = 90, 160
PAPER = np.full((HEIGHT, WIDTH), 255, np.uint8)


def plain(color=GREEN) -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 3), color, np.uint8)


def halves(at: int = 80, left=GREEN, right=ORANGE) -> np.ndarray:
    picture = plain(left)
    picture[:, at:] = right
    return picture


def length(result, truth=None, line_art=PAPER, keyframe=None) -> float:
    meetings = [meeting_colors(plain() if keyframe is None else keyframe, PAPER)]
    return unexplained_borders(result, free_places(plain() if truth is None else truth, line_art), meetings)


def test_an_invented_border_is_as_long_as_it_is_high():
    assert length(plain()) == 0
    assert length(halves()) == pytest.approx(1, rel=0.06)
    patch = plain()
    cv2.circle(patch, (80, 45), 30, ORANGE, -1)
    assert length(patch) == pytest.approx(2 * np.pi * 30 / HEIGHT, rel=0.06)
    slanted = plain()
    cv2.fillPoly(slanted, [np.array([(35, 0), (35 + HEIGHT, HEIGHT), (-1, HEIGHT), (-1, 0)])], ORANGE)
    assert length(slanted) == pytest.approx(2**0.5, rel=0.06)


def test_colors_that_look_alike_have_no_border():
    assert length(halves(right=(75, 165, 85))) == 0


def test_a_line_explains_a_border():
    line_art = PAPER.copy()
    line_art[:, 79:82] = 0
    assert length(halves(), line_art=line_art) == 0
    assert length(halves(82 + CLEAR), line_art=line_art) == 0
    assert length(halves(83 + CLEAR), line_art=line_art) > 0.3
    assert length(halves(84 + CLEAR), line_art=line_art) > 0.9


def test_the_truth_explains_borders_nearby():
    truth = halves(right=BLUE)  # whatever its colors
    assert length(halves(80 + NEAR), truth) == length(halves(80 - NEAR), truth) == 0
    assert length(halves(80 + 3 * NEAR), truth) > 0.9
    soft = halves(right=(130, 185, 130))
    soft[:, 80] = (100, 172, 105)  # anti-aliased: neither step is large, but both together are
    assert delta_e(soft[0, 79:81], soft[0, 80:82]).max() < RIGHT < delta_e(soft[0, 79:80], soft[0, 81:82])
    assert length(halves(), soft) == 0


def test_a_keyframe_explains_a_border_of_its_two_colors_wherever_it_is():
    result = halves(120)
    assert length(result, keyframe=halves(30)) == 0
    assert length(result, keyframe=halves(30, ORANGE, GREEN)) == 0
    assert length(result, keyframe=halves(30, (75, 165, 85), (238, 155, 45))) == 0  # slightly shaded
    assert length(result, keyframe=halves(30, GREEN, BLUE)) > 0.9
    both = halves(30, GREEN, GRAY)
    both[:, 60:] = ORANGE  # has both colors, but they do not meet
    assert length(result, keyframe=both) > 0.9


def test_colors_that_only_a_line_separates_do_not_meet():
    line_art = PAPER.copy()
    line_art[:, 79:82] = 0
    meetings = [meeting_colors(halves(), line_art)]
    assert unexplained_borders(halves(120), free_places(plain(), PAPER), meetings) > 0.9
    meetings.append(meeting_colors(halves(), PAPER))
    assert unexplained_borders(halves(120), free_places(plain(), PAPER), meetings) == 0
