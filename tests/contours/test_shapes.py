# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes cover a picture exactly, are smooth, and keep corners and holes."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

Addon = Callable[[str], ModuleType]

RED, BLUE, PAPER = (200, 30, 30, 255), (20, 40, 220, 255), (240, 240, 230, 255)
SCALE = 4


def painted(size: tuple[int, int], *draw: Callable[[ImageDraw.ImageDraw], object]) -> np.ndarray:
    picture = Image.new("RGBA", size, PAPER)
    for one in draw:
        one(ImageDraw.Draw(picture))
    return np.asarray(picture).copy()


def shapes_of(addon: Addon, picture: np.ndarray, line_art: np.ndarray | None = None) -> list[Any]:
    white = np.full(picture.shape[:2], 255, np.uint8)
    found: list[Any] = addon("contours.shapes").shapes_of(picture, white if line_art is None else line_art)
    return found


def drawn(addon: Addon, shapes: list[Any], size: tuple[int, int]) -> np.ndarray:
    """The shapes as Blender before 5.2 draws them, four times as large, then sampled in the middles of the pixels."""
    large = Image.new("RGBA", (size[0] * SCALE, size[1] * SCALE))
    for shape in shapes:
        outline = addon("contours.bridges").bridged(shape.outline, shape.holes)
        ImageDraw.Draw(large).polygon([tuple(point) for point in (outline * SCALE).tolist()], fill=shape.paint)
    return np.asarray(large)[SCALE // 2 :: SCALE, SCALE // 2 :: SCALE]


def test_shapes_cover_the_picture(addon: Addon) -> None:
    picture = painted(
        (160, 90),
        lambda draw: draw.ellipse((20, 10, 90, 80), fill=RED),
        lambda draw: draw.polygon(((60, 40), (150, 20), (120, 89)), fill=BLUE),
        lambda draw: draw.ellipse((40, 30, 55, 45), fill=BLUE),
    )
    shapes = shapes_of(addon, picture)
    assert sorted(shape.paint for shape in shapes) == sorted([PAPER, BLUE, RED, BLUE])
    assert shapes[0].paint == PAPER, "the largest is at the bottom"
    assert all(not shape.holes for shape in shapes), "what lies on another shape needs no hole"
    share = (drawn(addon, shapes, (160, 90)) == picture).all(axis=2).mean()
    assert share > 0.98, "only pixels at borders differ"


def test_neighbors_share_their_border(addon: Addon) -> None:
    picture = painted((80, 60), lambda draw: draw.polygon(((0, 0), (37, 0), (21, 59), (0, 59)), fill=RED))
    left, right = sorted(shapes_of(addon, picture), key=lambda shape: shape.outline[:, 0].mean())
    inner = {tuple(point) for point in left.outline.tolist()} & {tuple(point) for point in right.outline.tolist()}
    assert len(inner) >= 2
    assert len(left.outline) <= 8, "a slanted line needs few points"


@pytest.mark.parametrize("slope", [0.05, 0.3, 0.77, 3.0])
def test_stairs_become_a_straight_line(addon: Addon, slope: float) -> None:
    y, x = np.mgrid[:120, :160]
    picture = np.where((y - 30 > slope * (x - 20))[..., None], np.uint8(RED), np.uint8(PAPER))
    shape = next(one for one in shapes_of(addon, picture) if one.paint == RED)
    points = shape.outline
    inside = ((points > 4) & (points < (156, 116))).all(axis=1)
    distance = (points[:, 1] - 30.5 - slope * (points[:, 0] - 20.5)) / np.hypot(1, slope)
    assert np.abs(distance[inside]).max(initial=0.0) < 0.65
    assert inside.sum() < 12, "no stairs are left"


def test_arcs_keep_their_size_and_corners_stay(addon: Addon) -> None:
    circle = painted((120, 120), lambda draw: draw.ellipse((20, 20, 99, 99), fill=RED))
    points = next(one for one in shapes_of(addon, circle) if one.paint == RED).outline
    radius = np.hypot(*(points - 60).T)
    assert abs(radius.mean() - 40) < 0.3 and np.ptp(radius) < 1.2
    square = painted((100, 100), lambda draw: draw.rectangle((20, 30, 69, 79), fill=RED))
    points = next(one for one in shapes_of(addon, square) if one.paint == RED).outline
    for corner in ((20, 30), (70, 30), (70, 80), (20, 80)):
        assert np.hypot(*(points - corner).T).min() < 1.2


def test_what_is_transparent_stays_open(addon: Addon) -> None:
    picture = painted(
        (100, 80),
        lambda draw: draw.rectangle((10, 10, 90, 70), fill=RED),
        lambda draw: draw.ellipse((20, 20, 40, 40), fill=(0, 0, 0, 0)),
        lambda draw: draw.ellipse((55, 30, 80, 60), fill=(9, 9, 9, 0)),
        lambda draw: draw.ellipse((60, 40, 70, 50), fill=BLUE),
    )
    shapes = shapes_of(addon, picture)
    assert [len(shape.holes) for shape in shapes if shape.paint == RED] == [2]
    found = drawn(addon, shapes, (100, 80))
    alike = (found == picture).all(axis=2) | ((found[..., 3] == 0) & (picture[..., 3] == 0))
    assert alike.mean() > 0.98


def test_specks_slivers_and_rounding_errors_are_no_shapes(addon: Addon) -> None:
    picture = painted((100, 60), lambda draw: draw.rectangle((0, 0, 49, 59), fill=RED))
    picture[20, 20] = BLUE  # a speck
    picture[10:50, 49:51] = BLUE  # a sliver under the line
    picture[40:45, 10:14, 0] += 2  # a rounding error
    picture[30:32, 70:90] = BLUE  # thin, and seen
    line_art = np.full((60, 100), 255, np.uint8)
    line_art[:, 47:53] = 0
    shapes = shapes_of(addon, picture, line_art)
    assert sorted(shape.paint for shape in shapes) == sorted([RED, PAPER, BLUE])
    assert next(shape for shape in shapes if shape.paint == BLUE).area == 40


def test_pixels_that_share_a_corner_are_not_joined(addon: Addon) -> None:
    picture = painted((40, 40))
    picture[10:20, 10:20] = picture[20:30, 20:30] = RED
    assert [round(one.area) for one in shapes_of(addon, picture) if one.paint == RED] == [100, 100]


def test_a_picture_of_one_color_is_one_rectangle(addon: Addon) -> None:
    (shape,) = shapes_of(addon, painted((50, 30))[..., :3])
    assert sorted(map(tuple, shape.outline.tolist())) == [(0, 0), (0, 30), (50, 0), (50, 30)]
    assert shapes_of(addon, np.zeros((30, 50, 4), np.uint8)) == []
