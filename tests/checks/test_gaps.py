# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions are the same as OpenCV's. Gaps in outlines are found, and nothing else counts as a gap."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.checks.gaps import find_gaps
from shared.checks.regions import find_regions

WIDTH = 10


def paper() -> np.ndarray:
    return np.full((400, 600), 255, np.uint8)


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 12), st.floats(0.1, 0.9))
def test_regions_are_those_that_opencv_finds(seed: int, height: int, width: int, share: float) -> None:
    mask = np.random.default_rng(seed).random((height, width)) < share
    count, labels, stats, centers = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    ours = find_regions(mask)
    assert ours.count == count
    pairs = np.unique(np.stack([ours.labels.ravel(), labels.ravel()]), axis=1)
    assert pairs.shape[1] == len(np.unique(labels)), "regions are parted otherwise"
    for one, other in pairs.T:
        if other:
            left, top, box_width, box_height, area = stats[other]
            assert ours.areas[one] == area
            assert ours.boxes[one].tolist() == [left, top, left + box_width, top + box_height]
            assert ours.centers[one] == pytest.approx(centers[other])


def test_closed_outlines_have_no_gap() -> None:
    drawing = paper()
    cv2.circle(drawing, (200, 200), 120, 0, 3, cv2.LINE_AA)
    cv2.rectangle(drawing, (380, 80), (520, 300), 0, 3)
    assert find_gaps(drawing, WIDTH) == []


@pytest.mark.parametrize("opening", [3, 8])
@pytest.mark.parametrize("line", [2, 5])
@pytest.mark.parametrize("angle", [0, 40, 90, 200])
def test_an_outline_that_is_open_is_found_at_its_place(opening: int, line: int, angle: int) -> None:
    drawing = paper()
    cv2.circle(drawing, (300, 200), 120, 0, line)
    x, y = 300 + 120 * np.cos(np.radians(angle)), 200 + 120 * np.sin(np.radians(angle))
    yy, xx = np.mgrid[:400, :600]
    along = (xx - x) * -np.sin(np.radians(angle)) + (yy - y) * np.cos(np.radians(angle))
    drawing[(np.abs(along) <= opening / 2) & (np.hypot(xx - x, yy - y) < 3 * line + opening)] = 255
    (gap,) = find_gaps(drawing, WIDTH)
    assert np.hypot(gap.x - x, gap.y - y) < 4


def test_a_line_that_stops_short_of_another_is_found() -> None:
    drawing = paper()
    cv2.rectangle(drawing, (100, 80), (500, 320), 0, 4)
    cv2.line(drawing, (300, 82), (300, 311), 0, 4)
    (gap,) = find_gaps(drawing, WIDTH)
    assert (gap.x, gap.y) == pytest.approx((300, 315), abs=4)


def test_narrow_ways_between_lines_are_no_gaps() -> None:
    drawing = paper()
    for x in range(100, 260, 9):  # hatching
        cv2.line(drawing, (x, 60), (x + 30, 160), 0, 2)
    for x in (330, 350, 370, 390):  # fingers
        cv2.ellipse(drawing, (x, 300), (8, 60), 0, 180, 360, 0, 3)
    cv2.line(drawing, (80, 250), (280, 250), 0, 3)
    cv2.line(drawing, (80, 258), (280, 258), 0, 3)
    assert find_gaps(drawing, WIDTH) == []
