# SPDX-License-Identifier: GPL-3.0-or-later
"""Every drawing is colored once, outward from the keyframes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.longanimation.fusion import FUSED_LATENTS
from server.longanimation.geometry import Geometry
from server.longanimation.plan import plan_research_segments, plan_segments


@given(st.data(), st.integers(1, 200), st.integers(6, 81))
def test_every_drawing_is_colored_exactly_once_after_what_it_needs(data: st.DataObject, count: int, length: int):
    keyframes = data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=5, unique=True))
    segments = plan_segments(count, keyframes, length, overlap=5)
    colored: list[int] = []
    for segment in segments:
        assert len(segment.sequence) <= length
        before = segment.sequence[: segment.first]
        kept_and_after = segment.sequence[segment.first :]
        assert kept_and_after[: len(segment.drawings)] == segment.drawings
        assert set(before) <= {*colored, *keyframes}
        assert not set(kept_and_after) & set(colored)
        assert set(segment.local) <= set(colored)
        colored += segment.drawings
    assert sorted(colored) == list(range(count))


@given(st.data(), st.integers(1, 200), st.integers(6, 81))
def test_of_an_overlap_each_neighbor_keeps_half(data: st.DataObject, count: int, length: int):
    keyframes = data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=5, unique=True))
    segments = plan_segments(count, keyframes, length, overlap=5)
    followed = {segment.follows: segment for segment in segments if segment.follows is not None}
    for index, segment in enumerate(segments):
        if index not in followed:
            assert segment.drawings[-1] == segment.sequence[-1], "what nobody else sees is kept"
            continue
        overlap = segment.sequence[-5:]
        assert followed[index].sequence[:5] == overlap
        assert segment.drawings[-1] == overlap[2] and followed[index].drawings[0] == overlap[3]
        assert followed[index].local[-1] == segment.drawings[-1]


@given(st.data(), st.integers(1, 120), st.integers(20, 81))
def test_held_drawings_are_seen_several_times_and_colored_once(data: st.DataObject, count: int, length: int) -> None:
    keyframes = data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=3, unique=True))
    holds = data.draw(st.lists(st.integers(1, 4), min_size=count, max_size=count))
    segments = plan_segments(count, keyframes, length, overlap=5, holds=holds)
    colored = [drawing for segment in segments for drawing in segment.drawings]
    assert sorted(colored) == list(range(count)) and all(segment.drawings for segment in segments)
    for segment in segments:
        assert len(segment.sequence) <= length
        assert [segment.sequence[place] for place in segment.places] == list(segment.drawings)
        if segment.follows is not None:
            assert segment.sequence[:5] == segments[segment.follows].sequence[-5:], "latents stay aligned"
    (one,) = plan_segments(3, [0], 20, 5, holds=[2, 1, 3])
    assert one.sequence == (0, 0, 1, 2, 2, 2)


def test_a_hold_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be 4 times in segments of 9 that share 5"):
        plan_segments(3, [0], 9, 5, holds=[1, 4, 1])


def test_work_goes_forward_then_back_from_the_keyframe() -> None:
    segments = plan_segments(7, [3], length=4, overlap=1)
    assert [segment.drawings for segment in segments] == [(3, 4, 5, 6), (2, 1, 0)]
    assert segments[1].sequence == (3, 2, 1, 0)
    assert segments[1].local == (6, 5, 4, 3)


def test_each_drawing_takes_the_nearest_keyframe() -> None:
    owner = {d: s.keyframe for s in plan_segments(11, [2, 8], 8, 2) for d in s.drawings}
    assert [owner[d] for d in range(11)] == [2, 2, 2, 2, 2, 2, 8, 8, 8, 8, 8]


@pytest.mark.parametrize(("cuts", "first"), [((4,), 4), ((3, 7), 7), ((2,), 6), ((8, 9), 8)])
def test_a_cut_between_two_keyframes_parts_them(cuts: tuple[int, ...], first: int) -> None:
    owner = {d: s.keyframe for s in plan_segments(11, [2, 8], 8, 2, cuts=cuts) for d in s.drawings}
    assert [owner[d] for d in range(11)] == [2] * first + [8] * (11 - first)


@given(st.data(), st.integers(2, 200), st.integers(6, 40))
def test_a_correction_leaves_the_plan_as_it_was_and_colors_again_what_is_nearest(
    data: st.DataObject, count: int, length: int
) -> None:
    keyframes = data.draw(st.lists(st.integers(0, count - 1), min_size=2, max_size=5, unique=True))
    corrections = [0, *sorted(data.draw(st.lists(st.integers(0, 3), min_size=len(keyframes) - 1, max_size=4)))]
    corrections = (corrections + [3] * len(keyframes))[: len(keyframes)]
    segments = plan_segments(count, keyframes, length, 5, corrections=corrections)
    before = plan_segments(count, keyframes[:-1], length, 5, corrections=corrections[:-1])
    if corrections[-1] > corrections[-2]:
        assert [replace(one, shown=()) for one in segments[: len(before)]] == [replace(one, shown=()) for one in before]
    at_once = plan_segments(count, keyframes, length, 5)
    owner = {drawing: segment.keyframe for segment in segments for drawing in segment.shown}
    assert owner == {drawing: segment.keyframe for segment in at_once for drawing in segment.drawings}
    assert sorted(drawing for segment in segments for drawing in segment.shown) == list(range(count))
    for segment in segments:
        assert segment.correction == corrections[keyframes.index(segment.keyframe)]


@pytest.mark.parametrize("keyframes", [[], [7], [-1]])
def test_keyframes_must_lie_in_the_shot(keyframes: list[int]) -> None:
    with pytest.raises(ValueError, match="must lie among the 7 drawings"):
        plan_segments(7, keyframes, 4, 1)


def test_the_research_plan_keeps_half_of_each_overlap() -> None:
    first, second = plan_research_segments(146)
    assert (first.drawings[0], first.drawings[-1]) == (1, 72)
    assert (second.drawings[0], second.drawings[-1]) == (73, 137)
    assert second.sequence[0] == 65 and second.follows == 0
    assert plan_research_segments(80) == ()


@pytest.mark.parametrize("patch_time", [1, 2])
def test_segments_that_fuse_other_drawings_than_they_share_are_refused(patch_time: int) -> None:
    geometry = Geometry(spatial=8, temporal=4, channels=16, patch=2, patch_time=patch_time)
    fused = FUSED_LATENTS * geometry.temporal
    accepted = []
    for length in range(fused + 2, 100):
        first, second = plan_segments(length + 1, [0], length, fused + 1)
        padded = first.sequence + first.sequence[-1:] * (geometry.segment_length(length) - length)
        is_aligned = padded[-fused:] == second.sequence[1 : 1 + fused]
        if is_aligned:
            geometry.check_segment(length)
            accepted.append(length)
        else:
            with pytest.raises(ValueError, match=rf"`segment` is {length}, .* set it to \d+ or \d+\."):
                geometry.check_segment(length)
    assert accepted == list(range(25 if patch_time == 2 else 21, 100, 4 * patch_time))
    with pytest.raises(ValueError, match=f"set it to {73 if patch_time == 2 else 77} or 81"):
        geometry.check_segment(80)
