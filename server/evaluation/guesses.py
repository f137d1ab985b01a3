# SPDX-License-Identifier: GPL-3.0-or-later
"""The calibration of guesses: whether the regions that a method lists are those that are wrong."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from server.coloring.region_labels import LEAST_SHARE
from server.coloring.shot import Guess
from server.evaluation.metrics import RIGHT, delta_e
from server.evaluation.segments import Segments


@dataclass(frozen=True)
class GuessCounts:
    """The numbers of regions that are large enough to be listed, of those that are listed, of those that are wrong, and
    of those that are both."""

    regions: int
    listed: int
    wrong: int
    listed_wrong: int

    @property
    def wrong_of_listed(self) -> float | None:
        """The share of the listed regions that are wrong."""
        return self.listed_wrong / self.listed if self.listed else None

    @property
    def listed_of_wrong(self) -> float | None:
        """The share of the wrong regions that are listed."""
        return self.listed_wrong / self.wrong if self.wrong else None


def count_guesses(guesses: Sequence[Guess], segments: Segments, result: np.ndarray, right: np.ndarray) -> GuessCounts:
    """Compare the guesses of one drawing with what is wrong in it.

    result: RGB uint8 [H, W, 3]; right: its right pixels, bool [H, W]. Only segments of at least `LEAST_SHARE` of the
    frame's area count. One of them is listed when most of its pixels have the color of a guess within that guess's box,
    and wrong unless most of its pixels are right.
    """
    counts = (segments.areas >= LEAST_SHARE) & (segments.sizes > 0)
    listed = np.zeros(len(counts), bool)
    for guess in guesses:
        listed |= counts & segments.mostly(_shown(guess, result))
    wrong = counts & ~segments.mostly(right)
    return GuessCounts(*(int(np.count_nonzero(which)) for which in (counts, listed, wrong, listed & wrong)))


def add_up(counts: Iterable[GuessCounts]) -> GuessCounts:
    """Return the counts of many drawings together."""
    every = list(counts)
    return GuessCounts(
        regions=sum(each.regions for each in every),
        listed=sum(each.listed for each in every),
        wrong=sum(each.wrong for each in every),
        listed_wrong=sum(each.listed_wrong for each in every),
    )


def _shown(guess: Guess, result: np.ndarray) -> np.ndarray:
    """Return where a result RGB uint8 [H, W, 3] has a guess's color within the guess's box, bool [H, W]."""
    left, top, width, height = guess.box
    box = np.s_[top : top + height, left : left + width]
    colors = result[box].reshape(-1, 3)
    color = np.frombuffer(bytes.fromhex(guess.color[1:7]), np.uint8)
    shown = np.zeros(result.shape[:2], bool)
    shown[box] = (delta_e(colors, np.broadcast_to(color, colors.shape)) <= RIGHT).reshape(result[box].shape[:2])
    return shown
