# SPDX-License-Identifier: GPL-3.0-or-later
"""Tones without lines: the shadow of a shape is where it is in the keyframe, however the shape moves."""

import cv2
import numpy as np
import pytest

from server.coloring.colorizer import Colorizer
from server.coloring.shot import Shot
from server.coloring.tones import carry_tones, painted_shapes

from .drawings import RED, SKY, paper

SHADE, BLUE_COAT = (150, 30, 30), (60, 80, 210)
COLORS = np.array([SKY, RED, SHADE, BLUE_COAT], np.uint8)
COAT = np.array([(-50, -60), (30, -60), (50, 60), (-30, 70), (-60, 20)], float)
NOTHING = np.zeros((180, 320), bool)
SHADOW = np.array([(10, -60), (30, -60), (50, 60), (-5, 66), (15, 0)], float)


def figure(
    x: float, turn: float = 0.0, size: float = 1.0, is_shaded: bool = True, y: float = 90
) -> tuple[np.ndarray, np.ndarray]:
    """A red coat at `x`: its line art, and its entries, with a shadow that no line parts."""
    angle = np.radians(turn)
    matrix = size * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    drawing, entries = paper(), np.zeros((180, 320), np.uint16)
    coat, shadow = (np.round((points @ matrix + (x, y)) * 16).astype(np.int32) for points in (COAT, SHADOW))
    cv2.fillPoly(entries, [coat], 1, shift=4)
    if is_shaded:
        cv2.fillPoly(entries, [shadow], 2, shift=4)
    cv2.polylines(drawing, [coat], True, 0, 2, cv2.LINE_AA, 4)
    return drawing, entries


def wrong(found: np.ndarray, entries: np.ndarray, drawing: np.ndarray) -> float:
    """Share of the coat's pixels that have another entry than they should."""
    inside = (entries > 0) & (drawing == 255)
    return float((found != entries)[inside].mean())


@pytest.mark.parametrize(("x", "turn", "size"), [(90, 0, 1), (200, 0, 0.8), (200, 25, 1), (150, -60, 1.1)])
def test_a_shadow_goes_with_its_shape(x: float, turn: float, size: float) -> None:
    shapes = painted_shapes(*figure(90))
    drawing, entries = figure(x, turn, size)
    by_votes = np.minimum(entries, 1)
    assert wrong(by_votes, entries, drawing) > 0.2
    carried = carry_tones(drawing, by_votes, shapes, NOTHING)
    assert wrong(carried, entries, drawing) < 0.03
    assert (carried == by_votes)[entries == 0].all()
    assert np.array_equal(carry_tones(drawing, by_votes, shapes, ~NOTHING), by_votes), "what stands is known better"


def test_the_more_similar_shape_of_a_color_is_the_one_that_counts() -> None:
    shaded, plain = figure(80), figure(80, size=0.7, is_shaded=False)
    shapes = [shape for one in (shaded, plain) for shape in painted_shapes(*one)]
    assert not painted_shapes(*plain), "without tones there is nothing to carry"
    both = painted_shapes(np.hstack([shaded[0], plain[0]]), np.hstack([shaded[1], plain[1]]))
    assert [len(one.tones) for one in both] == [2, 1] and len(shapes) == 1
    drawing, entries = figure(110, size=0.72, is_shaded=False)
    far = np.hstack([paper(), drawing]), np.hstack([np.zeros_like(entries), entries])
    assert np.array_equal(carry_tones(*far, both, np.zeros(far[0].shape, bool)), far[1])


def test_other_shapes_and_those_at_the_edge_of_the_frame_keep_their_color() -> None:
    shapes = painted_shapes(*figure(90))
    drawing, entries = paper(), np.zeros((180, 320), np.uint16)
    cv2.rectangle(entries, (40, 80), (250, 96), 1, -1)
    cv2.rectangle(drawing, (40, 80), (250, 96), 0, 2)
    assert np.array_equal(carry_tones(drawing, entries, shapes, NOTHING), entries)
    cut, cut_entries = figure(10)
    assert np.array_equal(carry_tones(cut, np.minimum(cut_entries, 1), shapes, NOTHING), np.minimum(cut_entries, 1))
    assert not painted_shapes(cut, cut_entries)


def test_a_fill_that_misses_its_line_makes_no_tone() -> None:
    drawing, entries = figure(90, is_shaded=False)
    sloppy = np.where(cv2.erode(entries, np.ones((5, 5), np.uint8)) > 0, 1, 2 * (entries > 0)).astype(np.uint16)
    assert (sloppy == 2).sum() > 0.05 * (entries > 0).sum()
    assert not painted_shapes(drawing, sloppy)


def test_a_shot_is_colored_with_the_tones_of_its_keyframe() -> None:
    drawn = [figure(90 + 12 * step, 5 * step) for step in range(4)]
    painted = COLORS[drawn[0][1]] * (drawn[0][0][..., None] / 255)
    shot = Shot([art for art, _ in drawn], {0: painted.round().astype(np.uint8)}, quality="preview")
    frames = Colorizer.from_preset("tiny").open(shot).color(0).frames
    for drawing, (art, entries) in enumerate(drawn):
        right = (np.asarray(frames[drawing])[..., :3] == COLORS[entries]).all(axis=2)
        assert right[(entries > 0) & (art == 255)].mean() > 0.96, drawing
