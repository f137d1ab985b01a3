# SPDX-License-Identifier: GPL-3.0-or-later
"""Another shot changes a drawing more than movement does."""

from __future__ import annotations

import numpy as np

from shared.checks.drawing_difference import CUT, difference, ink_share, small_ink
from tests.checks.test_alignment import drawing, moved


def test_nothing_changes_between_equal_drawings() -> None:
    assert difference(small_ink(drawing()), small_ink(drawing())) == 0
    assert difference(small_ink(np.full((90, 160), 255, np.uint8)), small_ink(np.full((90, 160), 255, np.uint8))) == 0


def test_movement_is_no_cut_and_another_place_is() -> None:
    before = small_ink(drawing())
    assert difference(before, small_ink(moved(drawing(), 1, 15, -10))) < CUT
    corner = np.full((540, 960), 255, np.uint8)
    corner[500:530, 20:200] = 0
    assert difference(before, small_ink(corner)) > CUT


def test_the_share_of_ink_tells_empty_drawings_from_inverted_ones() -> None:
    assert ink_share(np.full((90, 160), 255, np.uint8)) == 0
    assert 0 < ink_share(drawing()) < 0.5 < ink_share(255 - drawing())
