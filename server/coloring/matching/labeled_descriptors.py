# SPDX-License-Identifier: GPL-3.0-or-later
"""Descriptors of colored drawings with their palette entries, and the votes they give for another drawing's colors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch.nn import functional as F

from .features import Features, position_grid
from .network import STRIDE, LineMatcher

CELL = 4
"""Features per cell, in each direction: the descriptors of one palette entry within a cell are averaged."""
MIN_PAPER_SHARE = 0.2
"""A feature with a smaller share of its pixels in one entry, lines left out, is not used."""
CHUNK = 512
"""Queries that are matched at once: few, so that their data fits into a processor's cache, and enough that its threads
seldom wait for each other."""


@dataclass(frozen=True)
class LabeledDescriptors:
    """The descriptors of a colored drawing, pooled to one key for each cell and palette entry.

    descriptors: [K, C], of length 1. entries: int64 [K]. positions: [K, 2], see `Features`. mass: [K], how many
    features the key stands for. role: see `network`.
    """

    descriptors: torch.Tensor
    entries: torch.Tensor
    positions: torch.Tensor
    mass: torch.Tensor
    role: int


def pool_labels(labels: torch.Tensor, paper: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the most frequent palette entry int64 [H/4, W/4] under each feature and the share of its pixels that have
    it, [H/4, W/4].

    labels: integers [H, W], below `count`; paper: bool [H, W]; pixels of lines are not counted.
    """
    one_hot = (labels[None] == torch.arange(count, dtype=labels.dtype, device=labels.device)[:, None, None]) & paper
    share, entries = F.avg_pool2d(one_hot.float(), STRIDE).max(dim=0)
    return entries, share


def pool_descriptors(
    features: Features,
    entries: torch.Tensor,
    share: torch.Tensor,
    role: int,
    confidence: torch.Tensor | None = None,
) -> LabeledDescriptors:
    """Pool the features [h, w] of a drawing by what `pool_labels` found.

    confidence: [h, w] in 0..1, how sure the entries are; a feature counts in proportion. A keyframe's are certain.
    """
    known = share > MIN_PAPER_SHARE
    cells = (position_grid(share.shape[0], share.shape[1], share.device) // CELL).long()
    number = (cells[..., 0] * share.shape[1] + cells[..., 1]) * (int(entries.max()) + 1) + entries
    keys, key_of = number[known].unique(return_inverse=True)
    weight = (share if confidence is None else share * confidence)[known][:, None]
    mass = share.new_zeros(len(keys), 1).index_add(0, key_of, weight)
    weighted = torch.cat([features.descriptors[known], features.positions[known]], dim=1) * weight
    sums = weighted.new_zeros(len(keys), weighted.shape[1]).index_add(0, key_of, weighted)
    descriptors, positions = sums.tensor_split([-2], dim=1)
    return LabeledDescriptors(
        F.normalize(descriptors, dim=1),
        keys % (int(entries.max()) + 1),
        positions / mass.clamp(min=1e-6),
        mass[:, 0],
        role,
    )


class Asked(NamedTuple):
    """What a window asks: the features [Q] of its queries, and the labeled descriptors that answer them.

    preference: is added to the scores of these, to prefer one window where several show the same.
    """

    queries: Features
    labeled: Sequence[LabeledDescriptors]
    preference: float = 0.0


def match(network: LineMatcher, windows: Sequence[Asked], count: int) -> torch.Tensor:
    """Return the votes [Q, count] of labeled descriptors for each of the queries [Q]; they add up to 1.

    A key counts more if its descriptor is similar and its position is near. windows: the same places, as the network
    saw them beside different keyframes, each with the keys that it saw with them. All keys share the votes.
    """
    keys = [_Keys(network, window) for window in windows]
    entries = F.one_hot(torch.cat([part.entries for part in keys]), count).to(keys[0].descriptors.dtype)
    votes = []
    for first in range(0, len(windows[0].queries.descriptors), CHUNK):
        logits = [part.logits(first) for part in keys]
        votes.append(torch.cat(logits, dim=1).softmax(dim=1) @ entries)
    return torch.cat(votes)


class _Keys:
    """The keys of a window, joined."""

    def __init__(self, network: LineMatcher, window: Asked) -> None:
        self.queries, labeled, preference = window
        descriptors = [drawing.descriptors * network.log_scale[drawing.role].exp() for drawing in labeled]
        self.descriptors = torch.cat(descriptors).T.contiguous()
        places = torch.cat([drawing.positions for drawing in labeled]) / CELL
        squares = (places**2).sum(dim=1, keepdim=True)
        self.places = torch.cat([-2 * places, torch.ones_like(squares), squares], dim=1).T.contiguous()
        self.entries = torch.cat([drawing.entries for drawing in labeled])
        bias = [network.bias[drawing.role] + torch.log(drawing.mass / CELL**2 + 0.05) for drawing in labeled]
        self.bias = torch.cat(bias) + preference
        # `log_reach` keeps its name: it is in the state dict of the weights.
        weights = [network.log_reach[drawing.role].exp().expand(len(drawing.entries)) for drawing in labeled]
        self.distance_weight = torch.cat(weights)

    def logits(self, first: int) -> torch.Tensor:
        """Return the scores [CHUNK, K] of the keys for some queries. A score falls with the logarithm of the squared
        distance |q|² - 2 q·k + |k|², which is one product of matrices."""
        chunk = self.queries[first : first + CHUNK]
        places = chunk.positions / CELL
        squares = (places**2).sum(dim=1, keepdim=True)
        distances = torch.cat([places, squares, torch.ones_like(squares)], dim=1) @ self.places
        farness = distances.clamp_(min=0).log1p_().mul_(self.distance_weight).mul_(chunk.distance_weight[:, None])
        return torch.addmm(self.bias, chunk.descriptors * chunk.sharpness[:, None], self.descriptors).sub_(farness)
