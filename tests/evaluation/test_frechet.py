# SPDX-License-Identifier: GPL-3.0-or-later
"""The Fréchet distance agrees with its closed form."""

import numpy as np
import pytest
from scipy import linalg, stats

from server.evaluation.frechet import frechet_distance


def samples(mean: np.ndarray, covariance: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Samples whose own mean and covariance are exactly those asked for."""
    noise = np.random.default_rng(seed).standard_normal((count, len(mean)))
    noise -= noise.mean(0)
    white = noise @ np.linalg.inv(np.linalg.cholesky(np.cov(noise, rowvar=False))).T
    return white @ np.linalg.cholesky(covariance).T + mean


def test_it_is_the_closed_form_of_independent_features():
    a, b = np.array([1.0, 2.0, 3.0]), np.array([0.5, 4.0, 3.0])
    means = np.zeros(3), np.array([1.0, -2.0, 0.5])
    expected = np.square(means[1]).sum() + np.square(a - b).sum()
    first, second = samples(means[0], np.diag(a**2), 40, 0), samples(means[1], np.diag(b**2), 60, 1)
    assert frechet_distance(first, second) == pytest.approx(expected)


def test_it_is_the_formula_with_a_matrix_root_for_any_covariance():
    first, second = (stats.wishart.rvs(9, np.eye(5), random_state=seed) for seed in (0, 1))
    root = linalg.sqrtm(first @ second).real
    expected = np.trace(first + second - 2 * root)
    zero = np.zeros(5)
    assert frechet_distance(samples(zero, first, 30, 2), samples(zero, second, 30, 3)) == pytest.approx(expected)


def test_fewer_samples_than_features_are_no_trouble():
    few = np.random.default_rng(0).standard_normal((4, 50)).astype(np.float32)
    assert frechet_distance(few, few) == pytest.approx(0, abs=1e-5)
    assert frechet_distance(few, few + 2) == pytest.approx(4 * 50, rel=1e-5)


def test_one_sample_is_refused():
    with pytest.raises(ValueError, match="two samples"):
        frechet_distance(np.zeros((1, 3)), np.zeros((5, 3)))
