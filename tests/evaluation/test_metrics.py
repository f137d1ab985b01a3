# SPDX-License-Identifier: GPL-3.0-or-later
"""The measure counts what an animator sees: it leaves out lines, and counts moved pixels separately."""

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from server.evaluation.metrics import color_error, delta_e, pool

RED, BLUE = (230, 60, 50), (60, 80, 210)


def plain(color, height=20, width=30) -> np.ndarray:
    return np.full((height, width, 3), color, np.uint8)


def half(left, right) -> np.ndarray:
    picture = plain(left)
    picture[:, 15:] = right
    return picture


PAPER = np.full((20, 30), 255, np.uint8)


def test_delta_e_is_ciede2000_of_each_pair():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 256, (2, 500, 3), np.uint8)
    expected = deltaE_ciede2000(rgb2lab(a[None])[0], rgb2lab(b[None])[0])
    assert np.allclose(delta_e(a, b), expected)


def test_a_perfect_frame_has_no_error():
    error = color_error(half(RED, BLUE), half(RED, BLUE), PAPER, plain(RED))
    assert (error.mean_de, error.within10, error.within10_moved, error.moved_share) == (0, 1, 1, 0.5)


def test_holding_the_keyframe_is_right_only_where_nothing_moved():
    error = color_error(plain(RED), half(RED, BLUE), PAPER, plain(RED))
    assert error.within10 == 0.5 and error.within10_moved == 0


def test_lines_and_their_soft_fringe_do_not_count():
    art = PAPER.copy()
    art[:, 10] = 0
    wrong = plain(RED)
    wrong[:, 9:12] = BLUE
    error = color_error(wrong, plain(RED), art, plain(RED))
    assert error.within10 == 1 and error.pixels == 20 * 27
    assert error.within10_moved is None and error.moved_share == 0


def test_nothing_but_lines_counts_as_no_frame():
    assert color_error(plain(RED), plain(RED), np.zeros((20, 30), np.uint8), plain(RED)) is None
    with pytest.raises(ValueError, match="nothing to compare"):
        pool([None])


def test_pooling_weighs_by_pixels():
    art = PAPER.copy()
    art[:, 14:] = 0  # 13 columns count in this frame, 30 in the other
    errors = [
        color_error(plain(BLUE), plain(RED), art, plain(RED)),
        color_error(plain(RED), half(RED, BLUE), PAPER, plain(RED)),
    ]
    together = pool([*errors, None])
    assert together.pixels == 20 * 43
    assert together.within10 == pytest.approx(15 / 43)
    assert together.moved_share == pytest.approx(15 / 43)
    assert together.within10_moved == 0
