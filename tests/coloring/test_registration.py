# SPDX-License-Identifier: GPL-3.0-or-later
"""A painting that is off its lines is fitted to them, and no other one is."""

import re

import cv2
import numpy as np
import pytest

from server.coloring.line_weight import find_excess, take_off_excess
from server.coloring.registration import find_place, move, register
from server.coloring.shot import Shot

from .drawings import BLUE, RED, SKY, paper, scene, with_alpha

OFFSETS = [(0, 0), (2, 0), (0, -2), (-3, 2), (4, 4)]


def with_lines(line_art: np.ndarray, painting: np.ndarray) -> np.ndarray:
    return np.where(line_art[..., None] < 128, np.uint8(0), painting)


def fills() -> np.ndarray:
    """The painting of `scene` without its lines."""
    painting = np.full((180, 320, 3), SKY, np.uint8)
    for center, color in (((60, 60), RED), ((200, 110), BLUE)):
        cv2.circle(painting, center, 36, color, -1)
    return painting


def resized(image: np.ndarray, scale: float, right: float = 0, down: float = 0) -> np.ndarray:
    """The image scaled about its upper left corner, and moved."""
    matrix = np.array([[scale, 0, right], [0, scale, down]])
    return cv2.warpAffine(image, matrix, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("has_lines", [True, False])
def test_an_offset_is_found(offset: tuple[int, int], has_lines: bool) -> None:
    line_art, painting = scene()
    if has_lines:
        painting = with_lines(line_art, painting)
    assert find_place(line_art, move(painting, *offset))[:2] == offset


def test_an_offset_that_does_no_harm_is_left_alone() -> None:
    line_art, painting = scene()
    assert find_place(line_art, move(painting, 1, -1))[:2] == (0, 0)


def test_a_painting_of_another_drawing_is_not_fitted() -> None:
    line_art, _ = scene(60)
    shot = Shot([line_art], {0: scene(120)[1]})
    assert register(shot) == (shot, {})


@pytest.mark.parametrize("line_art", [paper(), 0 * paper()])
def test_nothing_is_fitted_without_lines_or_colors(line_art: np.ndarray) -> None:
    shot = Shot([line_art], {0: np.full((*line_art.shape, 3), SKY, np.uint8)})
    assert register(shot) == (shot, {})


@pytest.mark.parametrize("painting", [scene()[1], with_lines(*scene()), fills()], ids=["soft", "lined", "fills"])
def test_a_painting_on_its_lines_stays_as_it_is(painting: np.ndarray) -> None:
    shot = Shot([scene()[0]], {0: painting})
    assert register(shot) == (shot, {})


def test_a_painting_that_is_off_its_lines_is_moved_with_its_alpha() -> None:
    line_art, painting = scene()
    sky = (painting == SKY).all(axis=-1)
    cut_out = with_alpha(painting, 255 * ~sky)
    shot, changes = register(Shot([line_art], {0: move(cut_out, 3, -2)}))
    assert np.array_equal(shot.keyframes[0][5:-5, 5:-5], cut_out[5:-5, 5:-5])
    assert changes == {0: "The painting is off its lines, 3 px right and 2 px up; it is moved onto them."}
    assert register(shot) == (shot, {})


@pytest.mark.parametrize(("scale", "right", "down"), [(0.9, 0, 0), (0.97, 12, -4), (1.04, -6, -3)])
@pytest.mark.parametrize("has_lines", [True, False])
def test_a_painting_of_another_size_is_fitted(scale: float, right: float, down: float, has_lines: bool) -> None:
    line_art, lined = scene()
    painting = lined if has_lines else fills()
    shot, changes = register(Shot([line_art], {0: resized(painting, scale, right, down)}))
    said = re.fullmatch(
        r"The painting is off its lines, at (.*) % of the drawing's size; it is fitted to them.", changes[0]
    )
    assert said and float(said[1]) == pytest.approx(100 * scale, abs=0.7)
    inside = cv2.erode((line_art == 255).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert (shot.keyframes[0] == painting).all(axis=2)[inside].mean() > 0.998


@pytest.mark.parametrize("line", [(0, 0, 0), (110, 20, 160)])
def test_lines_that_are_wider_than_the_drawings_are_taken_off(line: tuple[int, int, int]) -> None:
    line_art, _ = scene()
    wide = cv2.erode(line_art, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)))
    share = wide[..., None] / 255
    painting = (fills() * share + np.array(line) * (1 - share)).round().astype(np.uint8)
    shot, changes = register(Shot([line_art], {0: painting}))
    assert changes == {0: "The painting's lines are 2 px wider on each side than the drawing's; they are taken off."}
    assert (shot.keyframes[0] == fills()).all(axis=2)[line_art == 255].mean() > 0.999


def test_dark_paint_beside_lines_is_no_wide_line() -> None:
    line_art, painting = scene()
    assert find_excess(line_art, np.where(painting == RED, np.uint8(0), painting)) == 0


def test_a_region_that_a_wide_line_covers_keeps_its_middle() -> None:
    line_art, painting = paper(40, 40), np.full((40, 40, 3), SKY, np.uint8)
    line_art[10:16, 10:16] = 0
    line_art[11:15, 11:15] = 255
    painting[10:16, 10:16] = 0
    painting[12:14, 12:14] = RED
    assert (take_off_excess(line_art, painting, 3)[11:15, 11:15] == RED).all()
