# SPDX-License-Identifier: GPL-3.0-or-later
"""A finished drawing votes on its neighbour where the two match."""

import cv2
import numpy as np

from server.colorize.carry import carried_votes


def disc(x: int) -> tuple[np.ndarray, np.ndarray]:
    """Line art of a disc at column `x`, and which pixels lie in it."""
    line_art = np.full((120, 200), 255, np.uint8)
    cv2.circle(line_art, (x, 60), 25, 0, 2)
    inside = np.zeros((120, 200), np.uint8)
    cv2.circle(inside, (x, 60), 25, 1, -1)
    return line_art, inside


def test_colours_follow_what_moves() -> None:
    (source, labels), (target, truth) = disc(80), disc(92)
    votes = carried_votes(labels, source, target, count=2, size=(60, 100))
    assert votes.shape == (60, 100, 2)
    elected = votes.argmax(-1)
    expected = cv2.resize(truth, (100, 60), interpolation=cv2.INTER_NEAREST)
    held = cv2.resize(labels, (100, 60), interpolation=cv2.INTER_NEAREST)
    assert (elected == expected).mean() > 0.99 > (held == expected).mean()


def test_where_the_drawings_do_not_match_the_vote_is_weak() -> None:
    (source, labels), (same, _) = disc(80), disc(80)
    nothing = np.full_like(source, 255)
    nothing[5, 5] = 0
    matching = carried_votes(labels, source, same, 2, (60, 100)).sum(-1)
    astray = carried_votes(labels, source, nothing, 2, (60, 100)).sum(-1)
    assert matching.min() > 0.99
    assert astray[30, 28:52].min() < 0.5
