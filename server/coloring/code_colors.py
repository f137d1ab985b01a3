# SPDX-License-Identifier: GPL-3.0-or-later
"""Code colors: well-separated colors that stand for the palette's entries while the model works.

The keyframe is recolored with codes, the model runs, and each pixel votes for the entries whose codes it is close to.
This way, drift in the model's colors does no harm. Distances from several runs with different codes are added up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .palette import recolor

_DARKEST, _LIGHTEST = 48, 255  # codes stay lighter than the lines, which are black
_LEVELS = (6, 8)
"""Levels of the lattice's channels: few, so that codes are far apart, or more for a large palette."""


def code_colors(count: int, rng: np.random.Generator) -> np.ndarray:
    """Return `count` well-separated colors uint8 [count, 3] in random order, different at every call.

    They come from a jittered RGB lattice, by repeatedly taking the color farthest from all chosen ones. A small set
    consists of the lattice's corners. No code is as dark as a line. Raises ValueError for more than 512.
    """
    most = _LEVELS[-1] ** 3
    if not 1 <= count <= most:
        raise ValueError(f"Between 1 and {most} code colors can be told apart, not {count}.")
    channel, step = np.linspace(_DARKEST, _LIGHTEST, next(n for n in _LEVELS if count <= n**3), retstep=True)
    grid = np.stack(np.meshgrid(channel, channel, channel, indexing="ij"), -1).reshape(-1, 3)
    lattice = np.clip(grid + rng.uniform(-step / 3, step / 3, grid.shape), _DARKEST, _LIGHTEST)
    far = ((lattice - lattice[rng.integers(len(lattice))]) ** 2).sum(1)
    chosen = [int(far.argmax())]  # the farthest from a random color: near a corner
    distance = ((lattice - lattice[chosen[0]]) ** 2).sum(1)
    while len(chosen) < count:
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, ((lattice - lattice[chosen[-1]]) ** 2).sum(1))
    return np.round(lattice[rng.permutation(chosen)]).astype(np.uint8)


def decode_distances(images: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return the squared RGB distance of every pixel to every code.

    images: float [..., 3] in 0..1; codes: uint8 [N, 3]. Returns float32 [..., N]. Results of several runs may be added.
    """
    scaled = codes.astype(np.float32) / 255
    images = images.astype(np.float32)
    square = (images**2).sum(-1, keepdims=True) + (scaled**2).sum(-1)
    return np.maximum(square - 2 * (images @ scaled.T), 0)


def cast_votes(scores: np.ndarray) -> np.ndarray:
    """Turn scores float32 [h, w, N], lower is better, into votes float32 [h, w, N].

    Each pixel has one vote, which it splits among the entries by how close their scores are. So a pixel that mixes two
    colors cannot give a region a third color between them, as the mean of its colors would.
    """
    if scores.shape[2] == 1:
        return np.ones_like(scores)
    loss = scores - scores.min(axis=2, keepdims=True)
    softness = max(float(np.median(np.partition(loss, 1, axis=2)[..., 1])) / 2, 1e-6)
    votes = np.exp(-loss / softness)
    return votes / votes.sum(axis=2, keepdims=True)


class Rendition(Protocol):
    """The colors of a shot in one of the videos that the model paints side by side."""

    def reference(self, labels: np.ndarray, painting: np.ndarray) -> np.ndarray:
        """Return the keyframe that the model uses as its reference, RGB uint8, from its palette entries uint16 [h, w]
        and its painting RGB uint8 [H, W, 3]."""

    def hint(self, labels: np.ndarray) -> np.ndarray:
        """Return a drawing with palette entries uint16 [h, w] as RGB uint8 [h, w, 3]."""

    def state(self, colors: np.ndarray) -> dict[str, np.ndarray]:
        """Return what `memory` needs from finished drawings RGB uint8 [F, h, w, 3] in addition to their entries."""

    def memory(self, state: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return what the model remembers of finished drawings, RGB uint8 [F, h, w, 3].

        state: the result of the method `state`, plus "entries", uint16 [F, h, w].
        """


@dataclass(frozen=True)
class CodedRendition:
    """A rendition in code colors uint8 [N, 3], one for each palette entry."""

    codes: np.ndarray

    def reference(self, labels: np.ndarray, painting: np.ndarray) -> np.ndarray:
        return recolor(labels, self.codes)

    def hint(self, labels: np.ndarray) -> np.ndarray:
        return recolor(labels, self.codes)

    def state(self, colors: np.ndarray) -> dict[str, np.ndarray]:
        return {}

    def memory(self, state: Mapping[str, np.ndarray]) -> np.ndarray:
        return recolor(state["entries"], self.codes)


@dataclass(frozen=True)
class PlainRendition:
    """A rendition in the keyframe's own colors.

    colors: the palette's colors, uint8 [N, 3].
    """

    colors: np.ndarray

    def reference(self, labels: np.ndarray, painting: np.ndarray) -> np.ndarray:
        return painting

    def hint(self, labels: np.ndarray) -> np.ndarray:
        return recolor(labels, self.colors)

    def state(self, colors: np.ndarray) -> dict[str, np.ndarray]:
        return {"colors": colors}

    def memory(self, state: Mapping[str, np.ndarray]) -> np.ndarray:
        return state["colors"]


@dataclass(frozen=True)
class ModelVotes:
    """Reads votes from the pictures that the model painted.

    codes: for each picture, the colors that stand for the first M entries, uint8 [M, 3]; count: entries of the palette.
    """

    codes: Sequence[np.ndarray]
    count: int

    def read(self, images: np.ndarray) -> np.ndarray:
        """Return the votes float32 [h, w, count] of pictures uint8 [B, h, w, 3]. Pictures without codes do not vote,
        and entries without a code get no vote."""
        scores = [decode_distances(image / 255, codes) for image, codes in zip(images, self.codes, strict=False)]
        votes = cast_votes(np.sum(scores, axis=0))
        return np.pad(votes, [(0, 0), (0, 0), (0, self.count - votes.shape[2])])
