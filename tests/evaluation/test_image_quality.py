# SPDX-License-Identifier: GPL-3.0-or-later
"""PSNR, SSIM and their frequency bands agree with their formulas."""

import numpy as np
import pytest

from server.evaluation.frequency import band_psnr, decay, mean_over_clips, plot_frequency, smooth
from server.evaluation.image_quality import MAX_PSNR, at_protocol_size, psnr, ssim

GRAY = np.full((256, 256, 3), 100, np.uint8)


def noisy(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (256, 256, 3), np.uint8)


def test_psnr_is_that_of_the_mean_squared_error():
    assert psnr(GRAY + 51, GRAY) == pytest.approx(-20 * np.log10(0.2))
    assert psnr(GRAY, GRAY) == MAX_PSNR


def test_ssim_is_one_for_equal_frames_and_falls_with_noise():
    assert ssim(noisy(), noisy()) == pytest.approx(1)
    assert ssim(noisy(0), noisy(1)) < 0.1


def test_frames_are_looked_at_small():
    assert at_protocol_size(np.zeros((360, 640, 3), np.uint8)).shape == (256, 256, 3)


def test_a_wrong_fill_is_low_and_a_wrong_pattern_high():
    low, high = band_psnr(GRAY + 51, GRAY)
    assert low == pytest.approx(-20 * np.log10(0.2)) and high == MAX_PSNR
    checks = GRAY + (np.indices((256, 256)).sum(0) % 2 * 2 - 1).astype(np.int8)[..., None] * 51
    low, high = band_psnr(checks.astype(np.uint8), GRAY)
    assert low == MAX_PSNR and high == pytest.approx(-20 * np.log10(0.2))


def test_both_bands_together_have_the_whole_error():
    bands = np.array(band_psnr(noisy(0), noisy(1)))
    assert -10 * np.log10((10 ** (-bands / 10)).sum()) == pytest.approx(psnr(noisy(0), noisy(1)))


def test_decay_is_against_the_first_fourteen_frames():
    curve = np.array([np.nan] + [40.0] * 13 + [30.0] * 6)
    assert np.isnan(decay(curve)[0]) and decay(curve)[1] == 0
    assert decay(curve)[-1] == pytest.approx(25)


def test_curves_of_clips_of_different_length_are_averaged_where_they_are():
    mean = mean_over_clips([np.array([1.0, 3.0, 5.0]), np.array([3.0, np.nan])])
    assert mean.tolist() == [2, 3, 5]
    assert smooth(np.full(30, 7.0)).tolist() == [7] * 30


def test_the_plot_is_a_png(tmp_path):
    pytest.importorskip("matplotlib")
    curves = {name: [np.linspace(30, 20, 40)] for name in ("psnr", "psnr_low", "psnr_high")}
    plot_frequency({"ours": curves}, tmp_path / "frequency.png")
    assert (tmp_path / "frequency.png").read_bytes().startswith(b"\x89PNG")
