# SPDX-License-Identifier: GPL-3.0-or-later
"""Which story a seed tells: a procedural cartoon, one played by shapes that others drew, or a studio's own clip."""

import functools
from collections.abc import Sequence
from pathlib import Path

from .cartoon import Clip, PaintedClip, draw_clip
from .sources import SOURCES, draw_story, load_families
from .sources.library import retell, stored_clips
from .sources.story import Families

SHARES = {"openmoji": 0.25, "avatars": 0.15}
"""Shares of stories that are played by fetched shapes; the others are procedural."""
CLIPS_SHARE = 0.5
"""Where a studio's own clips are stored, the share of stories that they tell."""


@functools.lru_cache
def _families(folder: Path, source: str) -> Families:
    return load_families(folder, source, "train")


def tell_story(seed: int, drawings: int, width: int, height: int, at: Sequence[int], sources: Path | None) -> Clip:
    """Draw the drawings `at` of the story of `seed`, which is `drawings` long, for training.

    sources: where `fetch_sources` put the shapes of others and `store_clips` one's own clips, or one of them; None
    tells procedural stories only.
    """
    own = stored_clips(sources) if sources else ()
    if own and (seed * 0.7548776662) % 1 < CLIPS_SHARE:
        return retell(own[seed % len(own)], seed, drawings, width, height, at)
    return tell_cartoon(seed, drawings, width, height, at, sources)


def tell_cartoon(
    seed: int, drawings: int, width: int, height: int, at: Sequence[int], sources: Path | None
) -> PaintedClip:
    """As `tell_story`, of which every part is known: not from a clip."""
    chance = (seed * 0.6180339887) % 1
    if sources is not None and (not stored_clips(sources) or (sources / f"{SOURCES[0]}.npz").exists()):
        for source, share in SHARES.items():
            if chance < share:
                return draw_story(_families(sources, source), seed, drawings, width, height, at)
            chance -= share
    return draw_clip(seed, drawings, width, height, at)
