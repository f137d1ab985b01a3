# SPDX-License-Identifier: GPL-3.0-or-later
"""What colored drawings tell about the colors of another one: the features of their cells, and the palette entries
that are there."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from .features import Features, place_grid
from .network import STRIDE, LineMatcher

CELL = 4
"""Features to a cell, each way: the features of one palette entry within a cell are averaged."""
LEAST_PAPER = 0.2
"""A feature with a smaller share of its pixels in one entry, lines left out, is evidence of nothing."""
CHUNK = 256
"""Features that are matched at once: what they need should fit into a processor's cache."""
REFERENCE, FINISHED = 0, 1
"""Roles of evidence: a keyframe's painting is right, a finished drawing is near."""


@dataclass(frozen=True)
class Evidence:
    """A colored drawing, a key a cell and palette entry.

    looks: [K, C], of length 1. entries: int64 [K]. places: [K, 2], see `Features`. mass: [K], how many features the key
    stands for. role: REFERENCE or FINISHED.
    """

    looks: torch.Tensor
    entries: torch.Tensor
    places: torch.Tensor
    mass: torch.Tensor
    role: int


def pool_labels(labels: torch.Tensor, paper: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the most frequent palette entry int64 [H/4, W/4] under each feature and the share of its pixels that have
    it, [H/4, W/4].

    labels: integers [H, W], below `count`; paper: bool [H, W]; lines tell nothing.
    """
    one_hot = (labels[None] == torch.arange(count, dtype=labels.dtype)[:, None, None]) & paper
    share, entries = F.avg_pool2d(one_hot.float(), STRIDE).max(dim=0)
    return entries, share


def gather_evidence(features: Features, entries: torch.Tensor, share: torch.Tensor, role: int) -> Evidence:
    """Pool the features [h, w] of a drawing by what `pool_labels` found."""
    known = share > LEAST_PAPER
    cells = (place_grid(*share.shape) // CELL).long()
    number = (cells[..., 0] * share.shape[1] + cells[..., 1]) * (int(entries.max()) + 1) + entries
    keys, key_of = number[known].unique(return_inverse=True)
    weight = share[known][:, None]
    mass = share.new_zeros(len(keys), 1).index_add(0, key_of, weight)
    seen = torch.cat([features.looks[known], features.places[known]], dim=1) * weight
    looks, places = seen.new_zeros(len(keys), seen.shape[1]).index_add(0, key_of, seen).tensor_split([-2], dim=1)
    return Evidence(F.normalize(looks, dim=1), keys % (int(entries.max()) + 1), places / mass, mass[:, 0], role)


def match(network: LineMatcher, features: Features, evidence: Sequence[Evidence], count: int) -> torch.Tensor:
    """Return the votes [Q, count] of the evidence for each of the features [Q]; they add up to 1.

    A key counts the more, the more alike its look and the nearer its place.
    """
    keys = torch.cat([drawing.looks * network.log_scale[drawing.role].exp() for drawing in evidence])
    spots = torch.cat([drawing.places for drawing in evidence]) / CELL
    strength = torch.cat(
        [network.bias[drawing.role] + torch.log(drawing.mass / CELL**2 + 0.05) for drawing in evidence]
    )
    reach = torch.cat([network.log_reach[d.role].exp().expand(len(d.entries)) for d in evidence])
    entries = F.one_hot(torch.cat([drawing.entries for drawing in evidence]), count).to(keys.dtype)
    votes = []
    for first in range(0, len(features.looks), CHUNK):
        asked = features[first : first + CHUNK]
        where = asked.places / CELL
        squares = (where**2).sum(dim=1, keepdim=True) + (spots**2).sum(dim=1)
        away = torch.addmm(squares, where, spots.T, alpha=-2).clamp(min=0)
        logits = torch.addmm(strength, asked.looks * asked.sharpness[:, None], keys.T)
        logits = logits - asked.reach[:, None] * reach * torch.log1p(away)
        votes.append(logits.softmax(dim=1) @ entries)
    return torch.cat(votes)
