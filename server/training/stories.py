# SPDX-License-Identifier: GPL-3.0-or-later
"""Which story a seed tells: a procedural cartoon, or one played by shapes that others drew, where they are fetched."""

import functools
from collections.abc import Sequence
from pathlib import Path

from .cartoon import PaintedClip, draw_clip
from .sources import draw_story, load_families
from .sources.story import Families

SHARES = {"openmoji": 0.25, "avatars": 0.15}
"""Shares of stories that are played by fetched shapes; the others are procedural."""


@functools.lru_cache
def _families(folder: Path, source: str) -> Families:
    return load_families(folder, source, "train")


def tell_story(
    seed: int, drawings: int, width: int, height: int, at: Sequence[int], sources: Path | None
) -> PaintedClip:
    """Draw the drawings `at` of the story of `seed`, which is `drawings` long, for training.

    sources: where `fetch_sources` put the shapes of others; None tells procedural stories only.
    """
    chance = (seed * 0.6180339887) % 1
    if sources is not None:
        for source, share in SHARES.items():
            if chance < share:
                return draw_story(_families(sources, source), seed, drawings, width, height, at)
            chance -= share
    return draw_clip(seed, drawings, width, height, at)
