# SPDX-License-Identifier: GPL-3.0-or-later
"""Flicker sees colors that change where they should not, and nothing else."""

import itertools

import numpy as np
import pytest

from server.evaluation.flicker import flicker, lasting_areas
from server.evaluation.metrics import delta_e

RED, BLUE, GREEN = (230, 60, 50), (60, 80, 210), (70, 160, 80)
PAPER = np.full((20, 30), 255, np.uint8)


def picture(left, right, at: int = 15) -> np.ndarray:
    frame = np.full((20, 30, 3), left, np.uint8)
    frame[:, at:] = right
    return frame


def areas_of(truth):
    return [lasting_areas(a, b, PAPER, PAPER) for a, b in itertools.pairwise(truth)]


def test_what_stays_does_not_flicker_right_or_wrong():
    truth = [picture(RED, BLUE)] * 3
    assert flicker(areas_of(truth), truth) == 0
    assert flicker(areas_of(truth), [picture(GREEN, RED)] * 3) == 0


def test_an_area_that_changes_weighs_by_its_pixels():
    truth = [picture(RED, BLUE, at=10)] * 2
    change = float(delta_e(np.uint8([BLUE]), np.uint8([GREEN]))[0])
    assert flicker(areas_of(truth), [truth[0], picture(RED, GREEN, at=10)]) == pytest.approx(change * 2 / 3)


def test_a_thing_that_truly_changes_its_place_is_no_flicker():
    truth = [picture(RED, BLUE, at=10), picture(RED, BLUE, at=20)]
    (areas,) = areas_of(truth)
    assert areas.count == 2 and len(areas.place) == 20 * 20  # between 10 and 20 blue gave way to red
    assert flicker([areas], truth) == 0


def test_two_areas_of_one_color_do_not_make_up_for_each_other():
    truth = [picture(RED, BLUE)] * 2
    truth = [np.concatenate([frame, picture(RED, RED)], axis=1) for frame in truth]
    art = np.full((20, 60), 255, np.uint8)
    areas = lasting_areas(*truth, art, art)
    swapped = truth[0].copy(), truth[0].copy()
    swapped[0][:, :15], swapped[1][:, 30:45] = GREEN, GREEN
    assert areas.count == 3 and flicker([areas], swapped) > 10


def test_lines_do_not_count_and_nothing_may_last():
    truth = [picture(RED, BLUE), picture(GREEN, RED)]
    assert flicker(areas_of(truth), truth) is None
    black = np.zeros_like(PAPER)
    assert lasting_areas(truth[0], truth[0], black, PAPER).count == 0
