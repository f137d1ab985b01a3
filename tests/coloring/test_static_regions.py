# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts that stand still are found by lines, and by votes beside changed lines."""

import cv2
import numpy as np

from server.coloring.line_art.regions import find_regions
from server.coloring.static_regions import find_static

from .drawings import circle, paper

AGAINST, FOR = np.full((180, 320), -1, np.float32), np.ones((180, 320), np.float32)


def drawing(x: int, gap: float = 0.0) -> np.ndarray:
    """A circle at `x` before a hill's line."""
    art = paper()
    circle(art, (x, 60), 30, gap)
    cv2.line(art, (0, 150), (319, 140), 0, 2, cv2.LINE_AA)
    return art


def test_all_stands_still_between_equal_drawings() -> None:
    regions = find_regions(drawing(60))
    assert find_static(regions, regions, AGAINST).all()


def test_what_moves_does_not_stand_still_whatever_votes_say() -> None:
    static = find_static(find_regions(drawing(200)), find_regions(drawing(60)), FOR)
    assert not static[60, 200] and not static[60, 60]
    assert static[170].all() and static[110:130, 250:].all()


def test_beside_lines_that_came_or_went_votes_decide() -> None:
    regions, before = find_regions(drawing(200)), find_regions(drawing(60))
    beside = 60, 200 + 34
    assert find_static(regions, before, FOR)[beside] and not find_static(regions, before, AGAINST)[beside]
    assert find_static(regions, before, np.full_like(FOR, -0.1))[beside]  # they must speak against it clearly


def test_what_left_with_an_open_outline_leaves_no_ghost() -> None:
    """Its inside was one with the sky, and no line is near its middle."""
    art, before = paper(360, 640), paper(360, 640)
    circle(before, (300, 180), 100, gap=24)
    margin = np.full(art.shape, -1, np.float32)
    static = find_static(find_regions(art), find_regions(before), margin)
    assert not static[180, 300] and static[20].all()


def test_a_line_that_wobbles_has_not_changed() -> None:
    art = np.roll(drawing(60), 1, axis=1)
    static = find_static(find_regions(art), find_regions(drawing(60)), AGAINST)
    assert static.mean() > 0.98
