# SPDX-License-Identifier: GPL-3.0-or-later
"""Guesses are calibrated when the regions they list are those that are wrong."""

import cv2
import numpy as np

from server.coloring.region_labels import LEAST_SHARE
from server.coloring.shot import Guess
from server.evaluation.guesses import GuessCounts, add_up, count_guesses
from server.evaluation.metrics import right_pixels
from server.evaluation.segments import find_segments

SIZE = 360, 640
RED, BLUE = (220, 40, 40), (50, 60, 210)
BOXES = {"a": (10, 10), "b": (60, 10), "c": (110, 10), "d": (10, 50)}
"""Left and top of boxes of 31 pixels, lines included."""
SPECK = (100, 60)


def drawing() -> np.ndarray:
    line_art = np.full(SIZE, 255, np.uint8)
    for left, top in BOXES.values():
        cv2.rectangle(line_art, (left, top), (left + 30, top + 30), 0, 1)
    cv2.rectangle(line_art, SPECK, (SPECK[0] + 6, SPECK[1] + 6), 0, 1)
    return line_art


def painting(**colors) -> np.ndarray:
    """Red boxes, but for those named, and a red speck on white."""
    picture = np.full((*SIZE, 3), 255, np.uint8)
    for name, (left, top) in BOXES.items():
        picture[top : top + 31, left : left + 31] = colors.get(name, RED)
    picture[SPECK[1] : SPECK[1] + 7, SPECK[0] : SPECK[0] + 7] = colors.get("speck", RED)
    return picture


def guess(name: str, color=BLUE) -> Guess:
    left, top = BOXES[name]
    return Guess("#" + bytes(color).hex(), "#000000", 0.1, 0.05, (left, top, 31, 31))


def counts(result: np.ndarray, *guesses: Guess) -> GuessCounts:
    return count_guesses(guesses, find_segments(drawing()), result, right_pixels(result, painting(), drawing()))


def test_listed_and_wrong_regions_are_counted():
    result = painting(a=BLUE, b=BLUE, d=BLUE)
    found = counts(result, guess("a"), guess("c", RED))
    assert found == GuessCounts(regions=5, listed=2, wrong=3, listed_wrong=1)
    assert (found.wrong_of_listed, found.listed_of_wrong) == (1 / 2, 1 / 3)
    none = counts(painting())
    assert none == GuessCounts(5, 0, 0, 0) and none.wrong_of_listed is none.listed_of_wrong is None


def test_a_region_is_listed_only_by_a_guess_of_its_color_that_covers_most_of_it():
    result = painting(a=BLUE)
    assert counts(result, guess("a", RED)).listed == 0
    left, top = BOXES["a"]
    assert counts(result, guess("a")).listed == 1
    half = Guess("#" + bytes(BLUE).hex(), "#000000", 0.1, 0.05, (left, top, 31, 15))
    assert counts(result, half).listed == 0
    whole = Guess("#" + bytes(BLUE).hex(), "#000000", 0.1, 0.05, (0, 0, 640, 360))
    assert counts(result, whole).listed == 1  # not the red ones, and not the paper
    assert counts(result, guess("a"), whole).listed == 1


def test_regions_too_small_to_be_listed_do_not_count():
    segments = find_segments(drawing())
    assert sorted(segments.sizes)[0] == 9 and sorted(segments.areas)[0] < LEAST_SHARE < sorted(segments.areas)[1]
    assert counts(painting(speck=BLUE)) == GuessCounts(5, 0, 0, 0)


def test_the_counts_of_drawings_add_up():
    both = add_up([GuessCounts(5, 2, 3, 1), GuessCounts(4, 2, 1, 1)])
    assert both == GuessCounts(9, 4, 4, 2)
    assert (both.wrong_of_listed, both.listed_of_wrong) == (1 / 2, 1 / 2)
