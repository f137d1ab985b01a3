# SPDX-License-Identifier: GPL-3.0-or-later
"""Areas are counted as an animator counts what is left to repair."""

import numpy as np

from server.evaluation.color_areas import SMALLEST_AREA, color_areas, moved_areas

WHITE, RED, GREEN, BLUE = (255, 255, 255), (220, 40, 40), (40, 200, 60), (50, 60, 210)
PAPER = np.full((40, 60), 255, np.uint8)


def picture(**boxes: tuple[int, int]) -> np.ndarray:
    """White, with boxes of 8 by 8 pixels of the named colors at (row, column)."""
    image = np.full((40, 60, 3), 255, np.uint8)
    for name, (row, column) in boxes.items():
        image[row : row + 8, column : column + 8] = globals()[name]
    return image


def areas_right(
    result: np.ndarray, truth: np.ndarray, line_art: np.ndarray, keyframe_truth: np.ndarray
) -> tuple[int, int]:
    """How many moved areas are right, and how many there are."""
    areas = moved_areas(truth, line_art, keyframe_truth)
    return areas.right(result), areas.count


def test_an_area_is_connected_and_of_one_color() -> None:
    truth = picture(RED=(2, 2), GREEN=(2, 10), BLUE=(20, 30))
    truth[35, 50:52] = RED  # a speck
    place, area, count = color_areas(truth, PAPER > 0)
    assert count == 4
    assert sorted(np.bincount(area))[:3] == [64, 64, 64]
    assert len(place) == truth[..., 0].size - 2 and SMALLEST_AREA > 2
    assert color_areas(truth, PAPER == 0)[2] == 0


def test_every_moved_area_counts_alike_however_large() -> None:
    keyframe, truth = picture(RED=(2, 2), GREEN=(2, 20)), picture(RED=(20, 2), GREEN=(20, 20), BLUE=(2, 40))
    assert areas_right(truth, truth, PAPER, keyframe) == (3, 3)  # white has not moved, for the most part
    assert areas_right(keyframe, truth, PAPER, keyframe) == (0, 3)
    result = picture(RED=(20, 2), GREEN=(24, 20), BLUE=(2, 43))  # half of the second is right, and most of the third
    assert areas_right(result, truth, PAPER, keyframe) == (2, 3)


def test_where_all_is_line_nothing_counts() -> None:
    frame = picture()
    assert areas_right(frame, frame, np.zeros_like(PAPER), frame) == (0, 0)
