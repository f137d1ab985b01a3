# SPDX-License-Identifier: GPL-3.0-or-later
"""The matcher looks closely at small moved parts, and misses nothing."""

import cv2
import numpy as np
import pytest

from server.coloring.crop import CLOSEST, LARGEST, PIXELS, WORTHWHILE, Crop, find_crop, whole_crop


def walk(height: int, width: int, radius: int, places: list[tuple[int, int]]) -> list[np.ndarray]:
    """A ball at some places (x, y) before a horizon."""
    drawings = []
    for place in places:
        drawing = np.full((height, width), 255, np.uint8)
        cv2.line(drawing, (0, height * 3 // 4), (width, height * 3 // 4), 0, 2)
        cv2.circle(drawing, place, radius, 255, -1)
        cv2.circle(drawing, place, radius, 0, 2)
        drawings.append(drawing)
    return drawings


def test_a_small_figure_is_seen_larger_wherever_it_goes() -> None:
    drawings = walk(480, 640, 20, [(100, 300), (150, 300), (200, 310)])
    crop = find_crop(drawings)
    scale = crop.size[0] / 480
    assert WORTHWHILE * whole_crop((480, 640)).size[0] <= crop.size[0] and scale <= LARGEST
    seen = crop.of_lines(drawings[2])
    assert seen.shape[0] % 16 == seen.shape[1] % 16 == 0 and seen.size <= 1.1 * PIXELS
    top, left = (4 * first / scale for first in crop.first)
    bottom, right = (start + 4 * count / scale for start, count in zip((top, left), crop.count, strict=True))
    assert top < 280 and left < 80 and bottom > 330 and right > 220


@pytest.mark.parametrize(
    "drawings",
    [
        pytest.param(walk(480, 640, 20, [(100, 300)] * 3), id="nothing has moved"),
        pytest.param(walk(480, 640, 20, [(60, 60), (580, 420)]), id="all over the frame"),
        pytest.param(walk(1080, 1920, 400, [(700, 500), (900, 540)]), id="a large figure"),
    ],
)
def test_otherwise_all_is_seen(drawings: list[np.ndarray]) -> None:
    crop = find_crop(drawings)
    assert crop == whole_crop(drawings[0].shape) and crop.first == (0, 0)
    assert crop.count[0] >= crop.grid[0] and crop.count[1] >= crop.grid[1]
    assert crop.size[0] * crop.size[1] <= 1.01 * PIXELS


def test_dust_does_not_matter() -> None:
    drawings = walk(480, 640, 20, [(100, 300), (150, 300)])
    clean = find_crop(drawings)
    for place in ((600, 20), (610, 460)):
        cv2.circle(drawings[1], place, 2, 0, -1)
    assert find_crop(drawings) == clean


def test_large_drawings_are_seen_no_closer_than_three_times() -> None:
    crop = find_crop(walk(2160, 3840, 30, [(1000, 1000), (1020, 1000)]))
    assert crop.size[0] == pytest.approx(CLOSEST * whole_crop((2160, 3840)).size[0], abs=2)


def test_what_is_seen_lies_where_it_belongs() -> None:
    crop = Crop(size=(96, 160), first=(8, 20), count=(8, 24))
    image = np.zeros((48, 80), np.uint8)
    image[16:32, 40:80] = 3  # all that is in view
    for seen, beyond in ((crop.of_entries(image), 0), (crop.of_lines(image)[2:-2], 255)):
        assert seen.shape[1] == 96 and (seen[:, 2:80] == 3).all() and (seen[:, 80:] == beyond).all()
    votes = crop.spread(np.ones((8, 24, 1), np.float32), np.zeros((*crop.grid, 1), np.float32))
    assert votes.shape == (24, 40, 1)
    assert (votes[8:16, 20:] == 1).all() and votes.sum() == 8 * 20
