# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad drawings and keyframes are told, and good ones are not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from server.coloring.line_art.drawing import LineFault, line_fault, read_drawing
from shared.checks.flaws import check_drawing, check_keyframe, check_painting
from tests.checks.test_alignment import drawing, moved, painting


def code(flaw) -> str:
    return "" if flaw is None else flaw.code


def clear(keyframe: np.ndarray, alpha: int | np.ndarray) -> np.ndarray:
    """The keyframe with an alpha channel."""
    return np.dstack([keyframe, np.broadcast_to(np.uint8(alpha), keyframe.shape[:2])])


def blackened(radius: int) -> np.ndarray:
    """A night: black but for a disk."""
    night = np.zeros((540, 960), np.uint8)
    cv2.circle(night, (300, 200), radius, 255, -1)
    return night


SPECKS = np.random.default_rng(0).random((540, 960))


@pytest.mark.parametrize(
    ("line_art", "expected"),
    [
        (drawing(), ""),
        (np.full((540, 960), 255, np.uint8), "blank"),
        (255 - drawing(), "swapped"),
        ((drawing() * (100 / 255)).astype(np.uint8), ""),  # on brown paper
        (np.maximum((drawing() * (100 / 255)).astype(np.uint8), np.uint8(255) * (SPECKS > 0.999)), ""),  # and dusty
        (255 - (drawing() * (135 / 255)).astype(np.uint8), "swapped"),  # white on gray
        (blackened(40), ""),
        (blackened(4), "swapped"),
        (np.zeros((540, 960), np.uint8), "swapped"),
    ],
)
def test_a_drawing_is_dark_on_something_lighter(line_art: np.ndarray, expected: str) -> None:
    assert code(check_drawing(line_art)) == expected
    gray = np.dstack([line_art] * 3 + [np.full_like(line_art, 255)])
    told = {None: "", LineFault.BLANK: "blank", LineFault.LIGHT_ON_DARK: "swapped"}
    assert told[line_fault(read_drawing(gray).line_art)] == expected, "the server decides otherwise"


LINES = drawing()
PAINTED = painting(LINES)
RED_LINES = np.dstack([np.full_like(LINES, 255), LINES, LINES])


@pytest.mark.parametrize(
    ("keyframe", "expected"),
    [
        (PAINTED, ""),
        (clear(PAINTED, 255), ""),
        (clear(PAINTED, np.where(LINES < 255, 255, 60)), ""),  # half-transparent paint
        (cv2.resize(PAINTED, (480, 270), interpolation=cv2.INTER_AREA), ""),
        (np.full((540, 960, 3), (200, 60, 30), np.uint8), ""),  # no lines to compare
        (clear(PAINTED, 0), "transparent"),
        (clear(PAINTED, 3), "transparent"),
        (np.dstack([LINES] * 3), "uncolored"),
        (RED_LINES, "uncolored"),
        (clear(RED_LINES, 255 - LINES), "uncolored"),
        (clear(PAINTED, np.where(LINES < 250, 255, 0)), "uncolored"),  # only the layer of lines
        (moved(PAINTED, 1, 40, -20), "misaligned"),
        (painting(drawing(3)), "another_drawing"),
    ],
)
def test_a_keyframe_has_paint_and_the_lines_of_its_drawing(keyframe: np.ndarray, expected: str) -> None:
    assert code(check_keyframe(keyframe, LINES)) == expected


def test_the_frame_that_a_keyframe_shows_is_named() -> None:
    walk = [(frame, moved(LINES, 1, 12 * frame, 0)) for frame in range(-2, 3)]
    found = check_keyframe(painting(walk[3][1]), walk[0][1], walk)
    assert code(found) == "another_frame"
    assert found.sentence == "The keyframe shows the drawing of frame 1, not this one: choose frame 1 for it."
    assert code(check_keyframe(painting(drawing(3)), walk[0][1], walk)) == "another_drawing"


def test_the_other_drawings_are_not_read_for_a_keyframe_in_order() -> None:
    def unread():
        raise AssertionError("read")
        yield

    assert check_keyframe(PAINTED, LINES, unread()) is None


def test_a_painting_in_grays_is_painted() -> None:
    line_art = np.full((60, 80), 255, np.uint8)
    line_art[20:40, 20] = line_art[20:40, 40] = line_art[20, 20:41] = line_art[40, 20:41] = 0
    painting = np.dstack([line_art] * 3)
    flaw = check_painting(painting, line_art)
    assert flaw is not None and flaw.code == "uncolored"
    painting[21:40, 21:40] = 130
    assert check_painting(painting, line_art) is None
