# SPDX-License-Identifier: GPL-3.0-or-later
"""The included line matcher carries colors along with moving parts."""

import numpy as np
import pytest

from server.coloring.matching import LineMatcher
from server.coloring.propagation import WINDOW, Propagator
from server.presets.preset import WEIGHTS

from .drawings import BLUE, RED, SKY, scene

STEPS = 2 * WINDOW


@pytest.fixture(scope="module")
def matcher() -> LineMatcher:
    return LineMatcher.from_pretrained(WEIGHTS / "line_matcher")


@pytest.fixture(scope="module")
def rolling() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Line art of a ball that rolls by and the palette entries [H, W], 0 sky, 1 red, 2 blue, where there is no line."""
    drawings, paintings = zip(*(scene(50 + 12 * step) for step in range(1 + STEPS)), strict=True)
    entries = [
        np.argmin([np.abs(painting.astype(int) - color).sum(-1) for color in (SKY, RED, BLUE)], 0).astype(np.uint8)
        for painting in paintings
    ]
    return list(drawings), entries


def share_right(elected: np.ndarray, truth: np.ndarray, line_art: np.ndarray) -> float:
    return float((elected == truth)[line_art == 255].mean())


def test_colors_follow_what_moves(matcher: LineMatcher, rolling) -> None:
    drawings, truth = rolling
    propagator = Propagator(matcher, drawings.__getitem__, count=3)
    propagated = list(propagator.propagate(range(1, 1 + STEPS), keyframe=0, neighbor=0, entries={0: truth[0]}))
    assert len(propagated) == STEPS
    for index, (votes, elected, _) in enumerate(propagated, start=1):
        assert votes.shape == (90, 160, 3), "only the ball moves, and is seen twice as large"
        assert np.allclose(votes.sum(-1), 1, atol=1e-3)
        assert share_right(elected, truth[index], drawings[index]) > 0.98
    assert share_right(truth[0], truth[STEPS], drawings[STEPS]) < 0.9  # held, the keyframe is wrong


def test_a_finished_neighbor_is_evidence_too(matcher: LineMatcher, rolling) -> None:
    """Here the drawing before has the ball in another color than the keyframe."""
    drawings, truth = rolling
    changed = np.where((truth[4] == 1), 2, truth[4]).astype(np.uint8)
    propagator = Propagator(matcher, drawings.__getitem__, count=3)
    votes = next(propagator.propagate([5], keyframe=0, neighbor=4, entries={0: truth[0], 4: changed})).votes
    alone = next(propagator.propagate([5], keyframe=0, neighbor=0, entries={0: truth[0]})).votes
    of_ball, of_ball_alone = (
        found[60 * found.shape[0] // 180, 110 * found.shape[1] // 320] for found in (votes, alone)
    )
    assert of_ball[2] > of_ball_alone[2] + 0.2


def test_drawings_of_any_size_are_matched(matcher: LineMatcher) -> None:
    drawing, _ = scene()
    odd = drawing[:171, :303]
    propagator = Propagator(matcher, lambda index: odd, count=2)
    entries = (np.arange(303) > 150)[None].repeat(171, 0).astype(np.uint8)
    ((votes, elected, _),) = propagator.propagate([1], keyframe=0, neighbor=0, entries={0: entries})
    assert votes.shape == (43, 76, 2) and elected.shape == odd.shape


def test_what_stands_still_stays_as_the_keyframe_shows_it(matcher: LineMatcher, rolling) -> None:
    """Also where it is painted without lines: here a sky in stripes two pixels wide."""
    drawings, truth = rolling
    stripes = (np.arange(320) // 2 % 2 * 3).astype(np.uint8)
    painted = np.where(truth[0] == 0, stripes, truth[0]).astype(np.uint8)
    propagator = Propagator(matcher, drawings.__getitem__, count=4)
    ((_, entries, static),) = propagator.propagate([STEPS], keyframe=0, neighbor=0, entries={0: painted})
    far = np.zeros(static.shape, bool)
    far[:, 260:] = far[110:, :] = True  # the right and the lower part, where nothing is drawn
    far &= truth[0] == 0
    assert static[far].mean() > 0.9
    assert (entries == painted)[static].all()
    ball = (truth[STEPS] == 1) & (drawings[STEPS] == 255)
    assert not static[ball & (truth[0] != 1)].any()
