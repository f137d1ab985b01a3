# SPDX-License-Identifier: GPL-3.0-or-later
"""A soak tells what grows from what is flat."""

import random
from pathlib import Path

import numpy as np
import pytest

from tests.mishaps.campaign import open_studio

from .__main__ import soak
from .curve import Curve

HOUR = 3600
RNG = np.random.default_rng(1)
SECONDS = np.arange(0, HOUR, 5.0)


def curve(values: np.ndarray) -> Curve:
    return Curve(list(SECONDS), list(values + RNG.normal(0, 1, len(SECONDS))))


@pytest.mark.parametrize(
    "values",
    [np.full(len(SECONDS), 150.0), 200 - 80 * np.exp(-SECONDS / 300), 150 + 20 * np.sin(SECONDS / 60)],
    ids=["level", "caches that fill", "waves"],
)
def test_what_does_not_grow_is_flat(values: np.ndarray) -> None:
    assert curve(values).is_flat("memory_mb")


@pytest.mark.parametrize("kind", ["memory_mb", "descriptors", "threads"])
def test_what_grows_is_found(kind: str) -> None:
    assert not curve(100 + SECONDS / 100).is_flat(kind)


def test_a_short_soak_loses_nothing_and_reports_every_curve(tmp_path: Path) -> None:
    with open_studio("sqlite", tmp_path) as studio:
        result = soak(studio, 20.0, seed=random.randrange(10))
    assert result["wrong"] == []
    curves = result["processes"]["server 0"]
    assert set(curves) == {"memory_mb", "descriptors", "threads"} and len(curves["memory_mb"]["values"]) > 2
