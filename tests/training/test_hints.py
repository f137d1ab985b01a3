# SPDX-License-Identifier: GPL-3.0-or-later
"""Hints are propagated from the reference and partly wrong. With a matcher, they are never copied from the truth."""

import numpy as np
import torch

from server.coloring.matching import LineMatcher, Matching, Settler
from server.training.description import color_name, describe
from server.training.hints import UNKNOWN, Hints
from server.training.samples import SampleShape, draw_sample

COLORS = np.array([[250, 60, 60], [60, 250, 60], [60, 60, 250]], np.uint8)


def drawings(count: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Two boxes side by side, on paper."""
    line_art, labels = np.full((count, 32, 48), 255, np.uint8), np.zeros((count, 32, 48), np.uint8)
    for left, entry in ((4, 1), (26, 2)):
        line_art[:, 6:26, left : left + 18] = 0
        line_art[:, 8:24, left + 2 : left + 16] = 255
        labels[:, 6:26, left : left + 18] = entry
    return line_art, labels


def test_without_a_matcher_hints_are_the_truth_with_mistakes() -> None:
    line_art, labels = drawings(60)
    hints = Hints(1.0, None)
    drawn = [hints.draw(np.random.default_rng(seed), line_art, labels, COLORS) for seed in range(6)]
    truth = COLORS[labels[1:]]
    right = np.mean([(hint == truth).all(-1).mean() for hint in drawn])
    unknown = np.mean([(hint == UNKNOWN).all(-1).mean() for hint in drawn])
    assert 0.5 < right < 0.9 and 0.1 < unknown < 0.4
    allowed = {tuple(color) for color in COLORS} | {(UNKNOWN,) * 3}
    assert {tuple(color) for color in np.concatenate(drawn).reshape(-1, 3)} == allowed
    assert any((hint[index] == UNKNOWN).all() for hint in drawn for index in range(59)), "whole drawings are left open"


def test_the_matcher_reads_the_reference_alone() -> None:
    line_art, labels = drawings()
    matcher = LineMatcher(width=8, layers=1, features=16).eval()
    hints = Hints(1.0, Matching(matcher, Settler(width=8, heads=2, rounds=1, relations=4, descriptors=16).eval()))
    blind = labels.copy()
    blind[1:] = 0
    with torch.autocast("cpu", torch.bfloat16):  # as it may be while training
        one, other = (hints.draw(np.random.default_rng(3), line_art, known, COLORS) for known in (labels, blind))
    assert one is not None and other is not None and one.shape == (3, 32, 48, 3)
    assert (one == other).all()


def test_a_share_of_the_samples_has_hints() -> None:
    shape = SampleShape(drawings=1, height=32, width=48)
    hinted = [bool(draw_sample(seed, shape, Hints(0.8, None))["hinted"]) for seed in range(40)]
    assert 24 <= sum(hinted) < 40
    sample = draw_sample(hinted.index(False), shape, Hints(0.8, None))
    assert not sample["hint"].any()


def test_a_description_says_what_is_where_in_which_color() -> None:
    parts = np.zeros((2, 20, 30), np.uint16)
    labels = np.zeros(parts.shape, np.uint8)
    parts[:, 5:15, 1:8], labels[:, 5:15, 1:8] = 1 << 8, 1
    parts[:, 8:12, 24:29], labels[:, 8:12, 24:29] = 2 << 8, 2
    colors = np.array([[255, 255, 255], [200, 30, 30], [30, 40, 160]], np.uint8)
    assert describe(labels, parts, colors) == "on the left red; on the right dark blue; behind white"
    assert color_name((250, 200, 60)) == "light yellow" and color_name((120, 70, 30)) == "dark brown"
