# SPDX-License-Identifier: GPL-3.0-or-later
"""The baselines are as strong as is fair, and the comparison shows it."""

import pytest

from server.evaluation.baselines import flow, flow_previous, hold
from server.evaluation.comparison import as_report, compare
from tests.coloring.drawings import scene


@pytest.fixture(scope="module")
def rolling():
    """A ball rolling to the right, four pixels a drawing; the keyframe is the fifth of nine."""
    return tuple(zip(*(scene(60 + 4 * step) for step in range(9)), strict=True))


def test_holding_shows_the_keyframes_colors_under_the_new_lines(rolling):
    drawings, truth = rolling
    held = hold(drawings, {4: truth[4]})
    assert (held[4] == truth[4]).all()
    assert tuple(held[0][60, 104]) == (230, 60, 50)  # red where the ball was in the keyframe
    assert held[0][60, 40].tolist() in ([230, 60, 50], [190, 220, 250])  # and nothing of the keyframe's line


def test_flow_follows_slow_motion_both_ways(rolling):
    drawings, truth = rolling
    errors = compare(drawings, truth, truth, truth[4], 4)
    assert errors["ours"].within10_moved == 1
    assert errors["hold"].within10_moved == 0
    assert errors["flow"].within10_moved > 0.6
    assert errors["flow"].within10 > errors["hold"].within10


@pytest.mark.parametrize("method", [hold, flow, flow_previous])
def test_each_drawing_is_colored_from_the_nearest_keyframe(rolling, method):
    drawings, truth = rolling
    swapped = truth[8][..., [2, 1, 0]]  # so that one can tell the two apart
    both = method(drawings, {8: swapped, 0: truth[0]})
    alone = method(drawings[:5], {0: truth[0]}) + method(drawings[5:], {3: swapped})
    assert all((frame == other).all() for frame, other in zip(both, alone, strict=True))
    assert (both[0] == truth[0]).all() and (both[8] == swapped).all()


def test_flow_keeps_flat_colors_flat(rolling):
    drawings, truth = rolling
    carried = flow(drawings, {4: truth[4]})[0]
    assert {tuple(c) for c in carried[drawings[0] == 255].tolist()} == {(190, 220, 250), (230, 60, 50), (60, 80, 210)}


def test_held_drawings_weigh_as_often_as_they_are_shown(rolling):
    drawings, truth = rolling
    once = compare(drawings[:6], truth[:6], truth[:6], truth[4], 4)
    held = compare(drawings[:6], truth[:6], truth[:6], truth[4], 4, holds=[50, 1, 1, 1, 9, 1])
    assert held["hold"].moved_share > once["hold"].moved_share  # the first drawing is the farthest away


def test_the_report_has_the_agreed_names(rolling):
    drawings, truth = rolling
    report = as_report(compare(drawings[3:6], truth[3:6], truth[3:6], truth[4], 1))
    assert set(report) == {"ours", "hold", "flow", "moved_share", "pixels"}
    for method in ("ours", "hold", "flow"):
        assert set(report[method]) == {"mean_de", "within10", "within10_moved"}
