# SPDX-License-Identifier: GPL-3.0-or-later
"""Exposure: each distinct drawing once, and the timing rebuilt from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.timing import Exposure, expose

contents = st.lists(st.sampled_from("abcdef"), max_size=60)


@given(start=st.integers(-1000, 100_000), shown=contents)
def test_every_frame_shows_its_own_drawing_again(start: int, shown: list[str]) -> None:
    exposure = expose(start, shown)
    distinct = list(dict.fromkeys(shown))
    assert [distinct[exposure.drawing_at(frame)] for frame in exposure.frames] == shown
    assert list(exposure.frames) == list(range(start, start + len(shown)))


@given(shown=contents)
def test_each_distinct_drawing_is_counted_once_and_numbered_by_appearance(shown: list[str]) -> None:
    exposure = expose(1, shown)
    assert exposure.drawing_count == len(set(shown))
    assert list(dict.fromkeys(exposure.drawing_of)) == list(range(exposure.drawing_count))


def test_a_drawing_that_returns_is_not_a_new_one() -> None:
    assert expose(10, "aabbaac").drawing_of == (0, 0, 1, 1, 0, 0, 2)


@pytest.mark.parametrize(
    ("painted", "drawing_of"),
    [
        ({12}, (0, 0, 0, 0, 1, 1, 0)),
        ({10, 13}, (0, 0, 0, 1, 2, 2, 1)),
        ({12, 13}, (0, 0, 0, 1, 2, 2, 1)),
        ({10, 14, 16}, (0, 0, 0, 0, 1, 1, 2)),
    ],
)
def test_a_held_drawing_is_split_where_another_keyframe_paints_it(
    painted: set[int], drawing_of: tuple[int, ...]
) -> None:
    assert expose(10, "aaaabba", painted).drawing_of == drawing_of


def test_the_first_frame_of_a_drawing_is_where_it_appears() -> None:
    exposure = expose(10, "aabbaac")
    assert [exposure.first_frame_of(drawing) for drawing in range(3)] == [10, 12, 16]


@pytest.mark.parametrize("frame", [9, 13])
def test_a_frame_outside_the_range_is_refused_with_the_range(frame: int) -> None:
    with pytest.raises(IndexError, match=rf"frame {frame} is outside 10\.\.12"):
        Exposure(10, (0, 0, 1)).drawing_at(frame)


def test_an_empty_range_has_no_frames_and_no_drawings() -> None:
    exposure = expose(5, [])
    assert len(exposure.frames) == 0
    assert exposure.drawing_count == 0


def test_holds_are_those_of_the_first_showing() -> None:
    assert expose(1, "aabcccaaaab").holds == (2, 1, 3)
    assert Exposure(1, ()).holds == ()
