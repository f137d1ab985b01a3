# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of a sample, and how much of a clip it needs."""

from dataclasses import dataclass
from pathlib import Path

from server.longanimation.plan import LOCAL_DRAWINGS

from .recipe import TINY, Recipe
from .sources import ClipFilter

CLIP_DRAWINGS = 40
"""Length in drawings of the clip from which reference, segment and history are taken. It is longer for long
segments."""


@dataclass(frozen=True)
class SampleShape:
    """The shape of a sample.

    drawings: number in the segment, without the reference. height, width: in pixels. history: number of drawings of the
    same clip that are already colored. sources: see `sample_clip`. recipe: what the sample is made of.
    """

    drawings: int
    height: int
    width: int
    history: int = 0
    sources: Path | None = None
    recipe: Recipe = TINY

    @property
    def clip_drawings(self) -> int:
        """Length in drawings of a cartoon, and of what is taken from a film clip that is played to and fro."""
        return max(CLIP_DRAWINGS, 2 * self.drawings + self.history)

    @property
    def needed(self) -> int:
        """The smallest length of a film clip: segment and history, and frames as the paper requires them (§4.1)."""
        frames = ClipFilter().frames if self.recipe.holds else 0
        return max(frames, self.drawings + self.history)

    @property
    def local(self) -> int:
        """The number of drawings of the history that are the local memory: the latest, at most a third."""
        return min(LOCAL_DRAWINGS, -(-self.history // 3))
