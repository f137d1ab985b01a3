# SPDX-License-Identifier: GPL-3.0-or-later
"""A painting that is off its lines is moved onto them, and no other one is."""

import numpy as np
import pytest

from server.coloring.registration import find_offset, move, register
from server.coloring.shot import Shot

from .drawings import SKY, paper, scene, with_alpha

OFFSETS = [(0, 0), (2, 0), (0, -2), (-3, 2), (4, 4)]


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("has_lines", [True, False])
def test_an_offset_is_found(offset: tuple[int, int], has_lines: bool) -> None:
    line_art, painting = scene()
    if has_lines:
        painting = np.where(line_art[..., None] < 128, np.uint8(0), painting)
    assert find_offset(line_art, move(painting, offset)) == offset


def test_an_offset_that_does_no_harm_is_left_alone() -> None:
    line_art, painting = scene()
    assert find_offset(line_art, move(painting, (1, -1))) == (0, 0)


def test_a_painting_of_another_drawing_is_not_moved() -> None:
    line_art, _ = scene(60)
    _, painting = scene(120)
    assert find_offset(line_art, painting) == (0, 0)


@pytest.mark.parametrize("line_art", [paper(), 255 - paper()])
def test_there_is_no_offset_without_lines_or_colors(line_art: np.ndarray) -> None:
    painting = np.full((*line_art.shape, 3), SKY, np.uint8)
    assert find_offset(line_art, painting) == (0, 0)


def test_a_painting_that_is_off_its_lines_is_moved_and_a_note_says_so() -> None:
    line_art, painting = scene()
    sky = (painting == SKY).all(axis=-1)
    cut_out = with_alpha(painting, 255 * ~sky)
    shot, note = register(Shot([line_art], {0: move(cut_out, (3, -2))}))
    assert np.array_equal(shot.keyframes[0][5:-5, 5:-5], cut_out[5:-5, 5:-5])
    assert note == "A keyframe's painting was off its lines: 3 px right and 2 px up."
    assert register(shot) == (shot, "")
