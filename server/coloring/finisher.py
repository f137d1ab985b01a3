# SPDX-License-Identifier: GPL-3.0-or-later
"""Combines what is propagated to a drawing and what the model painted of it into the finished colors."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch.nn import functional as F

from server.coloring.line_art.compositing import over

from .code_colors import ModelVotes
from .fill import Fill, painted
from .keyframes import Keyframes
from .propagation import Propagated
from .region_labels import RegionLabels, label_regions


class Votes(Protocol):
    """Provides the votes by which a drawing's palette entries are chosen."""

    def count(self, images: np.ndarray, propagated: Propagated) -> np.ndarray:
        """Return votes float32 [h, w, N].

        images: the model's pictures of the drawing, RGB uint8 [B, h, w, 3].
        """


class PropagatedVotes:
    """Counts only propagated votes."""

    def count(self, images: np.ndarray, propagated: Propagated) -> np.ndarray:
        return propagated.votes


@dataclass(frozen=True)
class PaintedVotes:
    """Counts only the model's votes."""

    model: ModelVotes

    def count(self, images: np.ndarray, propagated: Propagated) -> np.ndarray:
        return self.model.read(images)


@dataclass(frozen=True)
class JointVotes:
    """Counts propagated votes with weight 1, and the model's with `weight`."""

    model: ModelVotes
    weight: float

    def count(self, images: np.ndarray, propagated: Propagated) -> np.ndarray:
        votes = self.model.read(images)
        return propagated.votes + self.weight * _resize_votes(votes, propagated.votes.shape[:2])


class Background(Protocol):
    """Provides what is visible where the keyframes are transparent."""

    def of_keyframe(self, line_art: np.ndarray, finished: "Finished", images: np.ndarray) -> np.ndarray:
        """Return the colors of a keyframe, uint8 [H, W, 3 or 4], given the finished keyframe."""

    def of_drawing(self, line_art: np.ndarray, finished: "Finished", images: np.ndarray) -> np.ndarray:
        """Return the colors of another drawing, uint8 [H, W, 3 or 4], given the finished drawing."""


class KeptBackground:
    """Keeps the background as it is in the keyframes."""

    def of_keyframe(self, line_art: np.ndarray, finished: "Finished", images: np.ndarray) -> np.ndarray:
        return finished.color

    of_drawing = of_keyframe


class GeneratedBackground:
    """Shows the model's last picture behind what is transparent or translucent."""

    def of_keyframe(self, line_art: np.ndarray, finished: "Finished", images: np.ndarray) -> np.ndarray:
        return over(finished.color, painted(line_art, images[-1]))

    of_drawing = of_keyframe


class GeneratedPicture(GeneratedBackground):
    """Shows the model's last picture behind keyframes, and everywhere in the other drawings."""

    def of_drawing(self, line_art: np.ndarray, finished: "Finished", images: np.ndarray) -> np.ndarray:
        return painted(line_art, images[-1])


class Finished(NamedTuple):
    """A finished drawing.

    color: uint8 [H, W, 3 or 4], without lines. entries: palette entries, uint16 [H, W]. regions: None for a keyframe.
    """

    color: np.ndarray
    entries: np.ndarray
    regions: RegionLabels | None


@dataclass(frozen=True)
class Finisher:
    """Finishes the drawings of one shot."""

    keyframes: Keyframes
    votes: Votes
    fill: Fill
    background: Background

    def keyframe(self, drawing: int, line_art: np.ndarray, images: np.ndarray) -> Finished:
        """Finish a keyframe, which stays as it is painted.

        line_art: uint8 [H, W]; images: the model's pictures, RGB uint8 [B, h, w, 3].
        """
        finished = Finished(self.keyframes.painting(drawing), self.keyframes.labels(drawing), None)
        return finished._replace(color=self.background.of_keyframe(line_art, finished, images))

    def drawing(self, line_art: np.ndarray, images: np.ndarray, propagated: Propagated, keyframe: int) -> Finished:
        """Finish another drawing. Static areas keep the colors of `keyframe`."""
        votes = self.votes.count(images, propagated)
        regions = label_regions(line_art, votes, self.keyframes.meetings)
        color = self.fill.fill(line_art, regions.entries, votes, images)
        finished = Finished(
            np.where(propagated.static[..., None], self.keyframes.painting(keyframe), color),
            np.where(propagated.static, self.keyframes.labels(keyframe), regions.entries),
            regions,
        )
        return finished._replace(color=self.background.of_drawing(line_art, finished, images))


def _resize_votes(votes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Scale votes float32 [h, w, N] to size (height, width)."""
    planes = torch.from_numpy(votes).permute(2, 0, 1)[None]
    return F.interpolate(planes, size, mode="bilinear", antialias=True)[0].permute(1, 2, 0).numpy()
