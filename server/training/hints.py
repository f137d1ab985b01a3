# SPDX-License-Identifier: GPL-3.0-or-later
"""Hints: guesses at a drawing's colors, propagated from the reference, with mistakes. The paper has no hints.

Hints are in the channels of the image latents that CogVideoX leaves zero for all but the reference. The model should
use what is right in them, and correct the rest.
"""

from pathlib import Path

import cv2
import numpy as np
import torch

from server.coloring.line_art.regions import LINE_BELOW
from server.coloring.matching import Matching
from server.coloring.meetings import find_meetings
from server.coloring.palette import recolor
from server.coloring.propagation import Propagator
from server.presets.preset import WEIGHTS

HINT_SHARE = 0.8
"""Share of samples with hints, unless the command says otherwise."""
UNKNOWN = 128
"""Gray level of the areas that a hint leaves open."""
MAX_WRONG, MAX_WRONG_WITHOUT_MATCHER = 0.15, 0.5
"""Largest share of a drawing's areas that get a wrong color of the palette. Each sample has its own share. The share is
lower with a matcher, which makes mistakes of its own."""
MAX_OPEN = 0.3
"""Largest share of a drawing's areas that are left open."""
EMPTY_SHARE = 0.1
"""Share of drawings that are left open as a whole."""


def find_matching(folder: Path) -> Matching | None:
    """Return the line matcher and the settler that were trained in `folder`, else the included ones, else None."""
    for place in (folder, WEIGHTS):
        if all((place / name).is_dir() for name in ("line_matcher", "settler")):
            return Matching.load(place, torch.device("cpu"))
    return None


def make_hints(folder: Path, share: float) -> "Hints | None":
    """Return the hints of a stage in `folder`, None if no sample has hints."""
    return Hints(share, find_matching(folder)) if share else None


class Hints:
    """Draws hints for samples.

    share: of the samples that have hints.
    matching: propagates colors; None starts from the truth and adds more mistakes.
    """

    def __init__(self, share: float, matching: Matching | None) -> None:
        self.share = share
        self.matching = matching

    def draw(
        self, rng: np.random.Generator, line_art: np.ndarray, labels: np.ndarray, colors: np.ndarray
    ) -> np.ndarray | None:
        """Return hints uint8 [T, H, W, 3] for line art uint8 [1 + T, H, W], whose drawing 0 is the reference. Returns
        None for a sample without hints.

        labels: palette entries uint8 [1 + T, H, W]; with `matching`, only the reference's are read. colors: the palette
        uint8 [N, 3].
        """
        if rng.random() >= self.share:
            return None
        entries = self._propagate(rng, line_art, labels, len(colors)) if self.matching else labels[1:]
        max_wrong = MAX_WRONG if self.matching else MAX_WRONG_WITHOUT_MATCHER
        wrong, left_open = rng.random() * max_wrong, rng.random() * MAX_OPEN
        drawings = zip(line_art[1:], entries, strict=True)
        known = [_corrupt(rng, *drawing, len(colors), wrong, left_open) for drawing in drawings]
        return recolor(np.stack(known), np.concatenate([colors, np.full((1, 3), UNKNOWN, np.uint8)]))

    def _propagate(self, rng: np.random.Generator, line_art: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
        """Propagate entries with the matcher: by region in half of the samples, and by each feature's own votes in the
        other half. Single features also separate areas without lines between them, as in a painted background."""
        by_region = rng.random() < 0.5
        meetings = find_meetings(line_art[0], labels[0], count)
        own = np.arange(count)  # the colors of a sample are no gradients
        propagator = Propagator(self.matching, line_art.__getitem__, meetings, own)  # type: ignore[arg-type]
        found = []
        with torch.autocast("cpu", enabled=False):  # a picture's sample is drawn within the autocast of training
            every = propagator.propagate(range(1, len(line_art)), {0: labels[0]})
            for drawing, propagated in zip(line_art[1:], every, strict=True):
                own = propagated.votes.argmax(axis=-1).astype(np.uint8)
                spread = cv2.resize(own, line_art.shape[:0:-1], interpolation=cv2.INTER_NEAREST)
                found.append(propagated.elect(drawing, labels[0], meetings) if by_region else spread)
        return np.stack(found)


def _corrupt(
    rng: np.random.Generator, line_art: np.ndarray, entries: np.ndarray, count: int, wrong: float, left_open: float
) -> np.ndarray:
    """Change entries [H, W] of whole areas of paper; entry `count` is unknown."""
    if rng.random() < EMPTY_SHARE:
        return np.full_like(entries, count)
    number, areas = cv2.connectedComponents((line_art >= LINE_BELOW).astype(np.uint8), connectivity=4)
    fate = rng.random(number)
    instead = np.where(fate < wrong, rng.integers(count, size=number), -1)
    instead[fate > 1 - left_open] = count
    instead[0] = -1  # lines
    return np.where(instead[areas] < 0, entries, instead[areas]).astype(np.uint8)
