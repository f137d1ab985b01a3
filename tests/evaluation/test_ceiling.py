# SPDX-License-Identifier: GPL-3.0-or-later
"""The best result with the keyframe's colors is right wherever the keyframe has the color."""

import numpy as np

from server.evaluation.ceiling import ceiling
from server.evaluation.comparison import compare
from tests.coloring.drawings import scene


def test_what_the_keyframe_shows_is_right_wherever_it_has_moved() -> None:
    drawings, truth = zip(*(scene(60 + 20 * step) for step in range(3)), strict=True)
    errors = compare(drawings, truth, ceiling(drawings, truth, [1]), truth[1], 1)
    assert errors["ours"].within10 == errors["ours"].within10_moved == 1
    assert errors["ours"].mean_de < 0.01


def test_a_color_that_the_keyframe_lacks_is_wrong() -> None:
    drawings, truth = zip(*(scene(60 + 20 * step) for step in range(2)), strict=True)
    novel = truth[0].copy()
    novel[:20, :20] = (255, 0, 255)
    best = ceiling(drawings, [novel, truth[1]], [1])[0]
    assert (np.abs(best[2:18, 2:18].astype(int) - (255, 0, 255)).sum(axis=2) > 100).all()


def test_the_colors_of_all_keyframes_can_be_had() -> None:
    drawings, truth = zip(*(scene(60 + 20 * step) for step in range(3)), strict=True)
    recolored = truth[2].copy()
    recolored[:20, :20] = (255, 0, 255)
    best = ceiling(drawings, [recolored, *truth[1:]], [1, 0])[0]
    assert (best[2:18, 2:18] == (255, 0, 255)).all()
