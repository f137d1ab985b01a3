# SPDX-License-Identifier: GPL-3.0-or-later
"""The footage of a sample: a cartoon, or a film clip, from which reference, segment and history are taken."""

import functools
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from server.coloring.line_art.compositing import lay_lines
from server.coloring.palette import MAX_ENTRIES, extract_palette

from .cartoon import PaintedClip
from .clips import sample_cartoon
from .sample_shape import SampleShape
from .sources.stored_clips import StoredClip, open_clip, play_to_and_fro, stored_clips

_log = logging.getLogger(__name__)


class Drawn(Protocol):
    """Some drawings of a clip."""

    @property
    def line_art(self) -> np.ndarray:
        """Their lines, uint8 [T, H, W], 255 paper."""

    @property
    def sentence(self) -> str:
        """A description, or empty."""

    def pictures(self) -> np.ndarray:
        """Return the finished pictures, with lines and shading, RGB uint8 [T, H, W, 3]."""

    def fills(self) -> tuple[np.ndarray, np.ndarray]:
        """Return labels uint8 [T, H, W], and the colors uint8 [N, 3] that they name."""


class Footage(Protocol):
    """A clip whose drawings can be drawn."""

    @property
    def length(self) -> int:
        """The number of its drawings, held ones counted as the recipe says."""

    def draw(self, at: Sequence[int]) -> Drawn:
        """Return the drawings `at`, which count from 0."""


@dataclass(frozen=True)
class DrawnCartoon:
    """Drawings of a cartoon, see `Drawn`."""

    clip: PaintedClip

    @property
    def line_art(self) -> np.ndarray:
        """See `Drawn`."""
        return self.clip.line_art

    @property
    def sentence(self) -> str:
        """See `Drawn`."""
        return self.clip.sentence

    def pictures(self) -> np.ndarray:
        """See `Drawn`."""
        return np.stack([lay_lines(self.clip.painting(index), lines) for index, lines in enumerate(self.line_art)])

    def fills(self) -> tuple[np.ndarray, np.ndarray]:
        """See `Drawn`."""
        return self.clip.labels, self.clip.colors


@dataclass(frozen=True)
class CartoonFootage:
    """The cartoon of a seed, see `sample_cartoon`."""

    seed: int
    shape: SampleShape

    @property
    def length(self) -> int:
        """See `Footage`."""
        return self.shape.clip_drawings

    def draw(self, at: Sequence[int]) -> DrawnCartoon:
        """See `Footage`."""
        shape = self.shape
        return DrawnCartoon(sample_cartoon(self.seed, self.length, shape.width, shape.height, at, shape.sources))


@dataclass(frozen=True)
class DrawnFilm:
    """Drawings of a film clip, see `Drawn`. Their fills are entries of a palette that is found in them, as for a
    keyframe."""

    line_art: np.ndarray
    color: np.ndarray
    sentence: str

    def pictures(self) -> np.ndarray:
        """See `Drawn`."""
        return self.color

    def fills(self) -> tuple[np.ndarray, np.ndarray]:
        """See `Drawn`."""
        palette = extract_palette(list(self.color), list(self.line_art), most_flat=MAX_ENTRIES)
        return np.stack(palette.labels).astype(np.uint8), palette.colors


class FilmFootage:
    """A stored film clip: the whole of it, or what `play_to_and_fro` takes from it with the seed."""

    def __init__(self, clip: StoredClip, seed: int, shape: SampleShape) -> None:
        moments: Sequence[int] = clip.exposure if shape.recipe.holds else range(clip.drawings)
        if shape.recipe.to_and_fro:
            moments = play_to_and_fro(moments, seed, shape.clip_drawings)
        self.clip, self.moments, self.shape = clip, moments, shape

    @property
    def length(self) -> int:
        """See `Footage`."""
        return len(self.moments)

    def draw(self, at: Sequence[int]) -> DrawnFilm:
        """See `Footage`."""
        drawings = [self.moments[index] for index in at]
        return DrawnFilm(*self.clip.read(drawings, self.shape.width, self.shape.height), self.clip.sentence)


@functools.lru_cache
def usable_clips(shape: SampleShape) -> tuple[Path, ...]:
    """Return the film clips that are long enough for samples of this shape; all of them if the recipe plays short ones
    to and fro."""
    clips = stored_clips(shape.sources) if shape.sources else ()
    if shape.recipe.to_and_fro:
        return clips
    opened = (open_clip(place) for place in clips)
    return tuple(clip.place for clip in opened if FilmFootage(clip, 0, shape).length >= shape.needed)


def choose_footage(seed: int, shape: SampleShape) -> Footage:
    """Return the footage of the sample of a seed."""
    clips = usable_clips(shape)
    if clips and (seed * 0.7548776662) % 1 < 1 - shape.recipe.cartoons:
        return FilmFootage(open_clip(clips[seed % len(clips)]), seed, shape)
    return CartoonFootage(seed, shape)


def check_footage(shape: SampleShape) -> None:
    """Log how many film clips are too short and are left out, or that there are none.

    Raises ValueError if all of them are too short.
    """
    stored, used = len(stored_clips(shape.sources)) if shape.sources else 0, len(usable_clips(shape))
    unit = "frames" if shape.recipe.holds else "drawings"
    if stored and not used:
        raise ValueError(
            f"None of the {stored} clips in {shape.sources} has the {shape.needed} {unit} that a sample needs: store "
            "longer clips, give fewer --drawings or --history, or play short clips --to-and-fro."
        )
    if os.environ.get("RANK", "0") != "0":  # Accelerate, which knows the processes, starts later
        return
    if used < stored:
        _log.info(
            "%d of %d film clips have fewer than %d %s, and are left out.", stored - used, stored, shape.needed, unit
        )
    elif stored:
        _log.info("All %d film clips are used.", stored)
    elif not shape.recipe.cartoons:
        _log.warning("There are no film clips, so that all samples are cartoons: store some with `train clips`.")
