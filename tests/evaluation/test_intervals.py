# SPDX-License-Identifier: GPL-3.0-or-later
"""Means over clips have an interval, and gains compare the same clips."""

from dataclasses import replace

import numpy as np
import pytest

from server.evaluation.intervals import FEWEST_CLIPS, gains, interval, means
from server.evaluation.measures import Measures
from server.evaluation.metrics import ColorError
from server.evaluation.segments import SegmentShares


def measures(psnr: float, moved: float | None, areas: float | None) -> Measures:
    color = ColorError(1.0, 1.0, moved, 0.5, 100)
    return Measures(color, areas, SegmentShares(1, 1, 1), 0.0, None, None, {"psnr": [None, psnr, psnr]}, 0.0)


def test_the_interval_of_a_mean_covers_it_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    found = [interval(rng.normal(0.8, 0.1, 40).tolist()) for _ in range(60)]
    covered = sum(each.low <= 0.8 <= each.high for each in found)
    assert 50 <= covered < 60
    assert all(0.04 < each.high - each.low < 0.09 for each in found)  # 2 × 1.96 × 0.1 / √40 is 0.062


def test_too_few_clips_have_no_interval() -> None:
    assert interval([0.5] * (FEWEST_CLIPS - 1)) is None
    assert interval([0.5] * FEWEST_CLIPS) == pytest.approx((0.5, 0.5, 0.5))


def test_a_small_gain_on_very_different_clips_is_seen() -> None:
    clips = []
    for number, moved in enumerate(np.linspace(0.2, 0.9, 8)):
        worse = measures(20 + number, float(moved), None)
        better = replace(worse, color=replace(worse.color, within10_moved=float(moved) + 0.02 + 0.001 * (number % 3)))
        clips.append({"ours": better, "hold": worse})
    psnr, moved, areas = gains(clips, "ours", "hold")
    assert psnr == (0, 0, 0) and areas is None
    assert 0.019 < moved.low < moved.mean < moved.high < 0.024
    assert means(clips, "hold")[1].high - means(clips, "hold")[1].low > 0.2


def test_clips_on_which_nothing_moves_do_not_count() -> None:
    clips = [{"ours": measures(30, None, None), "hold": measures(30, 0.1, None)}]
    clips += [{"ours": measures(30, 0.7, 0.5), "hold": measures(30, 0.5, 0.25)}] * FEWEST_CLIPS
    _, moved, areas = gains(clips, "ours", "hold")
    assert moved.mean == pytest.approx(0.2) and areas.mean == pytest.approx(0.25)
    assert means(clips, "hold")[1].mean == pytest.approx((0.1 + 0.5 * FEWEST_CLIPS) / (FEWEST_CLIPS + 1))
