# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's shot contains what makes coloring hard."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from skimage.color import deltaE_ciede2000, rgb2lab

from server.demo import cartoon
from server.demo.shapes import Part


def _extent(parts: list[Part]) -> tuple[float, float]:
    """Leftmost and rightmost point."""
    xs = [x for part in parts for x, _ in part.outline]
    return min(xs), max(xs)


def test_the_shot_is_long_enough_and_drawn_on_twos() -> None:
    assert len(cartoon.FRAMES) >= 60
    assert len(cartoon.drawn_frames()) * 2 == len(cartoon.FRAMES)
    assert cartoon.KEYFRAME in cartoon.drawn_frames()


def test_both_characters_are_wholly_visible_and_apart_at_the_keyframe() -> None:
    girl, boy = _extent(cartoon.girl(cartoon.KEYFRAME)), _extent(cartoon.boy(cartoon.KEYFRAME))
    assert min(girl[0], boy[0]) > 0
    assert max(girl[1], boy[1]) < cartoon.WIDTH
    assert boy[1] < girl[0]


def test_they_cross_and_the_boy_leaves_and_comes_back() -> None:
    def is_left(frame: int) -> bool:
        return sum(_extent(cartoon.boy(frame))) < sum(_extent(cartoon.girl(frame)))

    inside = [bool(parts) and _extent(parts)[1] > 0 for parts in map(cartoon.boy, cartoon.drawn_frames())]
    assert inside[0]
    assert inside[-1]
    assert not all(inside)
    assert not is_left(cartoon.FRAMES[0])
    assert is_left(cartoon.KEYFRAME)


def test_every_paint_is_used_and_can_be_told_from_the_others() -> None:
    frame = cartoon.KEYFRAME
    used = {part.paint for part in (*cartoon.background(), *cartoon.girl(frame), *cartoon.boy(frame))}
    assert used == {*cartoon.PAINTS, "line"}
    lab = {name: rgb2lab(np.array([*bytes.fromhex(color)]) / 255) for name, color in cartoon.PAINTS.items()}
    close = [pair for pair in combinations(lab, 2) if deltaE_ciede2000(lab[pair[0]], lab[pair[1]]) < 10]
    assert close == [("cloud", "eye")], "all but the two whites must differ by more than the report's tolerance"
    assert len(lab) > 10
