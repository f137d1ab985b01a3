# SPDX-License-Identifier: GPL-3.0-or-later
"""Combines what is propagated to a drawing and what the model painted of it into the finished colors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch.nn import functional as F

from server.coloring.line_art.compositing import over
from shared.manifest import SMALLEST_REGION

from .code_colors import ModelVotes
from .fill import Fill, painted
from .keyframes import Keyframes
from .propagation import Propagated
from .region_labels import RegionLabels, label_regions
from .tones import carry_tones


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
    """Finishes the drawings of one shot. gap, smallest_region: as in `shared.manifest.ShotManifest`."""

    keyframes: Keyframes
    votes: Votes
    fill: Fill
    background: Background
    gap: float = 0.0
    smallest_region: int = SMALLEST_REGION

    def keyframe(self, drawing: int, line_art: np.ndarray, images: np.ndarray) -> Finished:
        """Finish a keyframe, which stays as it is painted.

        line_art: uint8 [H, W]; images: the model's pictures, RGB uint8 [B, h, w, 3].
        """
        finished = Finished(self.keyframes.painting(drawing), self.keyframes.labels(drawing), None)
        return finished._replace(color=self.background.of_keyframe(line_art, finished, images))

    def drawing(
        self, line_art: np.ndarray, images: np.ndarray, propagated: Propagated, evidence: Sequence[int]
    ) -> Finished:
        """Finish another drawing.

        evidence: the keyframes from which its colors come. Static areas keep those of the first.
        """
        keyframe = evidence[0]
        votes = self.votes.count(images, propagated)
        regions = label_regions(line_art, votes, self.keyframes.meetings, self.gap, self.smallest_region)
        shapes = [shape for known in evidence for shape in self.keyframes.shapes(known)]
        flat = np.where(propagated.static, self.keyframes.labels(keyframe), regions.entries)
        entries = carry_tones(line_art, flat, shapes, propagated.static)
        static = propagated.static & (entries == flat)
        color = self.fill.fill(line_art, entries, votes, images)
        finished = Finished(np.where(static[..., None], self.keyframes.painting(keyframe), color), entries, regions)
        return finished._replace(color=self.background.of_drawing(line_art, finished, images))


def _resize_votes(votes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Scale votes float32 [h, w, N] to size (height, width)."""
    planes = torch.from_numpy(votes).permute(2, 0, 1)[None]
    return F.interpolate(planes, size, mode="bilinear", antialias=True)[0].permute(1, 2, 0).numpy()
