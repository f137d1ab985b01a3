# SPDX-License-Identifier: GPL-3.0-or-later
"""What coloured drawings tell about the colours of another one: the features of their cells, and the palette entries
that are there."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from .network import STRIDE, LineMatcher

CELL = 4
"""Features to a cell, each way: the features of one palette entry within a cell are averaged."""
LEAST_PAPER = 0.2
"""A feature with a smaller share of its pixels in one entry, lines left out, is evidence of nothing."""
CHUNK = 1024
"""Features that are matched at once: what they need should fit into a processor's cache."""
REFERENCE, FINISHED = 0, 1
"""Roles of evidence: a keyframe's painting is right, a finished drawing is near."""


@dataclass(frozen=True)
class Evidence:
    """A coloured drawing, a key a cell and palette entry.

    features: [K, C], of length 1. entries: int64 [K]. places: [K, 2], row and column counted in features. mass: [K],
    how many features the key stands for. role: REFERENCE or FINISHED.
    """

    features: torch.Tensor
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


def place_grid(rows: int, columns: int) -> torch.Tensor:
    """Row and column of each feature, float [rows, columns, 2]."""
    return torch.stack(torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij"), dim=-1).float()


def gather_evidence(features: torch.Tensor, entries: torch.Tensor, share: torch.Tensor, role: int) -> Evidence:
    """Pool the features [C, h, w] of a drawing by what `pool_labels` found."""
    known = share > LEAST_PAPER
    places = place_grid(*share.shape)
    cells = (places // CELL).long()
    number = (cells[..., 0] * share.shape[1] + cells[..., 1]) * (int(entries.max()) + 1) + entries
    keys, key_of = number[known].unique(return_inverse=True)
    weight = share[known][:, None]
    mass = share.new_zeros(len(keys), 1).index_add(0, key_of, weight)
    pooled = features.new_zeros(len(keys), len(features)).index_add(0, key_of, features[:, known].T * weight)
    middles = places.new_zeros(len(keys), 2).index_add(0, key_of, places[known] * weight) / mass
    return Evidence(F.normalize(pooled, dim=1), keys % (int(entries.max()) + 1), middles, mass[:, 0], role)


def match(
    network: LineMatcher, features: torch.Tensor, places: torch.Tensor, evidence: Sequence[Evidence], count: int
) -> torch.Tensor:
    """Return the votes [Q, count] of the evidence for each of the features [Q, C] at places [Q, 2]; they add up to 1.

    A key counts the more, the more alike its feature and the nearer its place.
    """
    keys = torch.cat([drawing.features * network.log_scale[drawing.role].exp() for drawing in evidence])
    spots = torch.cat([drawing.places for drawing in evidence]) / CELL
    strength = torch.cat(
        [network.bias[drawing.role] + torch.log(drawing.mass / CELL**2 + 0.05) for drawing in evidence]
    )
    reach = torch.cat([network.log_reach[d.role].exp().expand(len(d.entries)) for d in evidence])
    entries = F.one_hot(torch.cat([drawing.entries for drawing in evidence]), count).to(keys.dtype)
    votes = []
    for chunk, where in zip(features.split(CHUNK), (places / CELL).split(CHUNK), strict=True):
        squares = (where**2).sum(dim=1, keepdim=True) + (spots**2).sum(dim=1)
        away = torch.addmm(squares, where, spots.T, alpha=-2).clamp(min=0)
        logits = torch.addmm(strength, chunk, keys.T) - reach * torch.log1p(away)
        votes.append(logits.softmax(dim=1) @ entries)
    return torch.cat(votes)
