# SPDX-License-Identifier: GPL-3.0-or-later
"""The clip of a seed: a procedural cartoon, a cartoon with fetched actors, or a studio's own clip."""

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .cartoon import Clip, Framing, PaintedClip, draw_clip
from .sources import SOURCES, draw_puppet_clip, load_families
from .sources.puppet_clip import Families
from .sources.stored_clips import sample_stored_clip, stored_clips
from .toons import Body, draw_toon_clip, load_bodies

TOONS = "toons"
SHARES = {"openmoji": 0.15, "fluent_emoji": 0.1, "avatars": 0.1, "heads": 0.1, TOONS: 0.2}
"""Shares of cartoons whose actors are fetched shapes or bodies. The others are procedural."""
CLIPS_SHARE = 0.5
"""Share of samples from a studio's own clips, if such clips are stored."""


@functools.lru_cache
def _families(folder: Path, source: str) -> Families:
    return load_families(folder, source, "train")


@functools.lru_cache
def _bodies(folder: Path) -> list[Body]:
    return load_bodies(folder / f"{TOONS}.npz", "train")


def sample_clip(
    seed: int,
    drawings: int,
    width: int,
    height: int,
    at: Sequence[int],
    sources: Path | None,
    framings: Sequence[Framing] = (),
) -> Clip:
    """Return the drawings `at` of the clip of `seed`, which has `drawings` drawings, for training.

    sources: the folder with the actors that `fetch_sources` fetched, the clips that `store_clips` stored, or both. With
    None, all clips are procedural cartoons.
    """
    own = stored_clips(sources) if sources else ()
    if own and (seed * 0.7548776662) % 1 < CLIPS_SHARE:
        return sample_stored_clip(own[seed % len(own)], seed, drawings, width, height, at)
    return sample_cartoon(seed, drawings, width, height, at, sources, framings)


def sample_cartoon(
    seed: int,
    drawings: int,
    width: int,
    height: int,
    at: Sequence[int],
    sources: Path | None,
    framings: Sequence[Framing] = (),
) -> PaintedClip:
    """Do the same as `sample_clip`, but never return a studio's own clip. In a cartoon, every part is known."""
    chance = (seed * 0.6180339887) % 1
    if sources is not None and (not stored_clips(sources) or (sources / f"{SOURCES[0]}.npz").exists()):
        for source, share in SHARES.items():
            if chance < share:
                if source == TOONS:
                    return draw_toon_clip(_bodies(sources), seed, drawings, width, height, at, framings)
                return draw_puppet_clip(_families(sources, source), seed, drawings, width, height, at, framings)
            chance -= share
    return draw_clip(seed, drawings, width, height, at, framings)


def choose_run(rng: np.random.Generator, length: int, count: int, regular: float, steps: Sequence[int]) -> list[int]:
    """Return the numbers of `count` drawings of a clip of `length`, in order: in a share `regular` of the cases at
    equal distances, one of `steps`, else anywhere."""
    if rng.random() < regular:
        step = int(rng.choice(steps))
        start = int(rng.integers(0, length - step * (count - 1)))
        return [start + step * index for index in range(count)]
    return sorted(rng.choice(length, count, replace=False).tolist())
