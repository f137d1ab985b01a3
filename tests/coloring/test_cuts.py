# SPDX-License-Identifier: GPL-3.0-or-later
"""Cuts are found between keyframes, and motion is none."""

import pytest

from server.coloring.cuts import find_cuts

from .drawings import circle, paper, scene

FIRST = [scene(x)[0] for x in (40, 52, 64, 76, 88)]


def other_scene() -> list:
    """Another place: three large shapes, which move a little."""
    drawings = []
    for step in range(3):
        drawings.append(paper())
        for x in (70, 160, 250):
            circle(drawings[-1], (x + 4 * step, 90), 20 + x // 5)
    return drawings


@pytest.mark.parametrize("blank", [0, 2])
def test_a_cut_is_where_the_lines_change_at_once(blank: int) -> None:
    assert find_cuts([*FIRST, *[paper()] * blank, *other_scene()]) == (len(FIRST) + blank,)


def test_motion_is_no_cut() -> None:
    assert find_cuts(FIRST) == ()


def test_fast_motion_goes_on_and_is_no_cut() -> None:
    assert find_cuts([scene(x)[0] for x in range(40, 300, 50)]) == ()
