# SPDX-License-Identifier: GPL-3.0-or-later
"""Meetings: entries that a keyframe shows side by side on open paper, and entries that look like them."""

import numpy as np

from server.coloring.keyframes import Keyframes
from server.coloring.meetings import extend_meetings, find_meetings
from server.coloring.shot import Shot

from .drawings import BLUE, RED, SKY, paper, scene


def test_entries_that_a_line_parts_do_not_meet():
    drawing, painting = scene()
    keyframes = Keyframes(Shot([drawing], {0: with_paint(painting)}), [drawing].__getitem__)
    assert (keyframes.meetings == np.eye(len(keyframes.meetings), dtype=bool)).all()


def test_entries_meet_where_paint_ends_without_a_line():
    drawing, painting = scene()
    painting = painting.copy()
    painting[150:] = BLUE  # water below the sky
    keyframes = Keyframes(Shot([drawing], {0: with_paint(painting)}), [drawing].__getitem__)
    sky, red, blue = (
        int(np.abs(keyframes.palette.colors[:, :3].astype(int) - color).sum(axis=1).argmin())
        for color in (SKY, RED, BLUE)
    )
    assert keyframes.meetings[sky, blue] and keyframes.meetings[blue, sky]
    assert not keyframes.meetings[sky, red] and not keyframes.meetings[red, blue]


def test_entries_also_meet_across_a_mixed_pixel():
    entries = np.zeros((40, 40), np.uint16)
    entries[:, 20], entries[:, 21:] = 2, 1
    meetings = find_meetings(paper()[:40, :40], entries, 4)
    assert meetings[0, 1] and meetings[0, 2] and meetings[2, 1] and not meetings[3].any()


def test_steps_of_a_gradient_meet_what_one_of_them_meets():
    meetings = np.zeros((4, 4), bool)
    meetings[0, 3] = meetings[3, 0] = True
    appearances = np.array([[50, 0, 0], [55, 0, 0], [90, 0, 0], [20, 60, 0]], np.float32)
    extended = extend_meetings(meetings, appearances)
    assert extended[0, 1] and extended[1, 3] and extended[3, 1]
    assert not extended[2, 3] and not extended[0, 2]


def with_paint(painting: np.ndarray) -> np.ndarray:
    return np.dstack([painting, np.full(painting.shape[:2], 255, np.uint8)])
