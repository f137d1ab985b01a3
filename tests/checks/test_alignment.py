# SPDX-License-Identifier: GPL-3.0-or-later
"""A keyframe that does not line up with its drawing is found and fitted."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from shared.checks.alignment import align, fit

SIZE = (960, 540)


def drawing(seed: int = 0) -> np.ndarray:
    """Line art of shapes here and there, uint8 [H, W]."""
    random = np.random.default_rng(seed)
    image = np.full(SIZE[::-1], 255, np.uint8)
    for _ in range(9):
        x, y = int(random.integers(150, 810)), int(random.integers(100, 440))
        axes = (int(random.integers(30, 110)), int(random.integers(30, 90)))
        cv2.ellipse(image, (x, y), axes, float(random.integers(0, 180)), 0, 360, 0, 3, cv2.LINE_AA)
    return image


def painting(lines: np.ndarray) -> np.ndarray:
    """The drawing with its regions painted, some of them dark; RGB uint8."""
    random = np.random.default_rng(5)
    count, labels = cv2.connectedComponents((lines > 200).astype(np.uint8), connectivity=4)
    colors = random.integers(20, 256, (count, 3))
    return np.minimum(colors[labels], lines[..., None]).astype(np.uint8)


def moved(image: np.ndarray, scale: float, dx: float, dy: float) -> np.ndarray:
    """The image as an animator may provide it: `align` should find this scale and shift."""
    matrix = np.array([[1 / scale, 0, -dx / scale], [0, 1 / scale, -dy / scale]], np.float32)
    return cv2.warpAffine(image, matrix, SIZE, flags=cv2.INTER_AREA, borderValue=(255, 255, 255))


def test_a_keyframe_that_lies_on_its_drawing_is_aligned() -> None:
    found = align(painting(drawing()), drawing())
    assert found.verdict == "aligned"
    assert found.scale == pytest.approx(1, abs=0.005)
    assert max(abs(found.dx), abs(found.dy)) < 2


@pytest.mark.parametrize(("scale", "dx", "dy"), [(1, 40, -25), (1, 7, 0), (0.9, 30, 20), (1.15, -60, -40)])
def test_where_a_keyframe_belongs_is_found_and_it_is_fitted(scale: float, dx: float, dy: float) -> None:
    lines = drawing()
    keyframe = moved(painting(lines), scale, dx, dy)
    found = align(keyframe, lines)
    assert found.verdict == "misaligned"
    assert found.after > found.before
    fitted = fit(keyframe, found, SIZE)
    again = align(fitted, lines)
    assert again.verdict == "aligned"
    inside = np.zeros(lines.shape, bool)
    inside[60:-60, 120:-120] = True
    off = np.abs(fitted[..., :3].astype(int) - painting(lines)).max(axis=2)[inside]
    assert (off > 40).mean() < 0.05, "colors lie elsewhere"


@pytest.mark.parametrize("factor", [0.5, 2])
def test_a_keyframe_of_another_size_is_compared_at_the_drawings_size(factor: float) -> None:
    large = cv2.resize(painting(drawing()), None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    found = align(large, drawing())
    assert found.verdict == "aligned"
    assert fit(large, found, SIZE).shape == (540, 960, 3)


def test_the_painting_of_another_drawing_is_told_apart() -> None:
    assert align(painting(drawing(1)), drawing(2)).verdict == "unrelated"


def test_what_is_transparent_counts_as_paper() -> None:
    lines = drawing()
    keyframe = np.dstack([painting(lines), np.full(lines.shape, 255, np.uint8)])
    keyframe[:, :200] = 0
    assert align(keyframe, lines).verdict == "aligned"
