# SPDX-License-Identifier: GPL-3.0-or-later
"""The included line matcher carries colors along with moving parts."""

import numpy as np
import pytest
import torch

from server.coloring.matching import Matching
from server.coloring.propagation import Propagator
from server.coloring.windows import WINDOW
from server.presets.preset import WEIGHTS

from .drawings import BLUE, RED, SKY, scene

STEPS = 2 * WINDOW
ANY = np.ones((3, 3), bool)
"""All entries may meet without a line between them."""
APART = np.arange(3)
"""No entries are steps of one gradient."""


@pytest.fixture(scope="module")
def matching() -> Matching:
    return Matching.load(WEIGHTS, torch.device("cpu"))


@pytest.fixture(scope="module")
def rolling() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Line art of a ball that rolls by and the palette entries [H, W], 0 sky, 1 red, 2 blue, where there is no line."""
    drawings, paintings = zip(*(scene(50 + 12 * step) for step in range(1 + STEPS)), strict=True)
    return list(drawings), [entries_of(painting) for painting in paintings]


def entries_of(painting: np.ndarray) -> np.ndarray:
    """The palette entries of a painting, 0 sky, 1 red, 2 blue, where there is no line."""
    return np.argmin([np.abs(painting.astype(int) - color).sum(-1) for color in (SKY, RED, BLUE)], 0).astype(np.uint8)


def share_right(elected: np.ndarray, truth: np.ndarray, line_art: np.ndarray) -> float:
    return float((elected == truth)[line_art == 255].mean())


def test_colors_follow_what_moves(matching: Matching, rolling) -> None:
    drawings, truth = rolling
    propagator = Propagator(matching, drawings.__getitem__, ANY, APART)
    propagated = list(propagator.propagate(range(1, 1 + STEPS), {0: truth[0]}))
    assert len(propagated) == STEPS
    for index, found in enumerate(propagated, start=1):
        assert found.votes.shape == (90, 160, 3), "only the ball moves, and is seen twice as large"
        assert np.allclose(found.votes.sum(-1), 1, atol=1e-3)
        assert share_right(found.elect(drawings[index], truth[0], ANY), truth[index], drawings[index]) > 0.98
    assert share_right(truth[0], truth[STEPS], drawings[STEPS]) < 0.9  # held, the keyframe is wrong


def test_every_keyframe_is_evidence(matching: Matching) -> None:
    """The nearest keyframe does not show the ball, and another one does."""
    drawings, paintings = zip(*(scene(x) for x in (-60, 50, 90)), strict=True)
    truth = [entries_of(painting) for painting in paintings]
    propagator = Propagator(matching, drawings.__getitem__, ANY, APART)
    (one,) = propagator.propagate([2], {0: truth[0]})
    (two,) = propagator.propagate([2], {0: truth[0], 1: truth[1]})
    alone, both = (found.elect(drawings[2], truth[0], ANY) for found in (one, two))
    ball = (truth[2] == 1) & (drawings[2] == 255)
    assert not (alone == 1)[ball].any()
    assert (both == 1)[ball].mean() > 0.95
    assert share_right(both, truth[2], drawings[2]) > 0.98


def test_drawings_beside_each_other_are_evidence(matching: Matching, rolling) -> None:
    drawings, truth = rolling
    propagator = Propagator(matching, drawings.__getitem__, ANY, APART)
    beside = next(propagator.propagate([5, 6], {0: truth[0]}))
    alone = next(propagator.propagate([5], {0: truth[0]}))
    assert np.abs(beside.votes - alone.votes).max() > 0.01
    assert share_right(beside.elect(drawings[5], truth[0], ANY), truth[5], drawings[5]) > 0.98


def test_drawings_of_any_size_are_matched(matching: Matching) -> None:
    drawing, _ = scene()
    odd = drawing[:171, :303]
    propagator = Propagator(matching, lambda index: odd, np.ones((2, 2), bool), np.arange(2))
    entries = (np.arange(303) > 150)[None].repeat(171, 0).astype(np.uint8)
    (found,) = propagator.propagate([1], {0: entries})
    elected = found.elect(odd, entries, propagator.meetings)
    assert found.votes.shape == (43, 76, 2) and elected.shape == odd.shape


def test_what_stands_still_stays_as_the_keyframe_shows_it(matching: Matching, rolling) -> None:
    """Also where it is painted without lines: here a sky in stripes two pixels wide."""
    drawings, truth = rolling
    stripes = (np.arange(320) // 2 % 2 * 3).astype(np.uint8)
    painted = np.where(truth[0] == 0, stripes, truth[0]).astype(np.uint8)
    propagator = Propagator(matching, drawings.__getitem__, np.ones((4, 4), bool), np.arange(4))
    (found,) = propagator.propagate([STEPS], {0: painted})
    static, entries = found.static, found.elect(drawings[STEPS], painted, propagator.meetings)
    far = np.zeros(static.shape, bool)
    far[:, 260:] = far[110:, :] = True  # the right and the lower part, where nothing is drawn
    far &= truth[0] == 0
    assert static[far].mean() > 0.9
    assert (entries == painted)[static].all()
    ball = (truth[STEPS] == 1) & (drawings[STEPS] == 255)
    assert not static[ball & (truth[0] != 1)].any()
