# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts: the features of a drawing that lie in one area and have the same palette entry.

A region that was matched as a whole is one part. Where the matcher was of two minds, it is several.
"""

from dataclasses import dataclass, replace

import torch

from .features import Features, position_grid

MOST = 96
"""The most parts of a drawing. They are the largest ones."""
LEAST_PAPER = 0.1
"""A feature with a smaller share of paper is in no part."""
GEOMETRY = 11
"""Numbers that say where a part is and what it looks like."""
_X, _TARGET_X, _SLANT = 1, 3, 6
"""Columns of the geometry that change when a drawing is mirrored."""
_UNIT_AREA = 5000
"""A frame's features, as far as the size of parts is concerned."""


@dataclass(frozen=True)
class Parts:
    """The P parts of a drawing.

    part_of: int64 [h, w], the part of each feature, or -1. votes: [P, N], which add up to 1. descriptors: [P, C].
    geometry: [P, GEOMETRY]; lengths are in heights of the drawing. areas: int64 [P], the area in which each one is.
    contacts: [P, P], how long the borders between parts are. mass: [P], in features.
    """

    part_of: torch.Tensor
    votes: torch.Tensor
    descriptors: torch.Tensor
    geometry: torch.Tensor
    areas: torch.Tensor
    contacts: torch.Tensor
    mass: torch.Tensor

    def mirrored(self) -> "Parts":
        """Return the parts of the drawing with left and right exchanged. Descriptors stay as they are."""
        rows, columns = self.part_of.shape
        geometry = self.geometry.clone()
        geometry[:, [_X, _TARGET_X]] = (columns - 1) / rows - geometry[:, [_X, _TARGET_X]]
        geometry[:, _SLANT] *= -1
        return replace(self, part_of=self.part_of.flip(1), geometry=geometry)


def find_parts(features: Features, votes: torch.Tensor, areas: torch.Tensor, paper: torch.Tensor) -> Parts:
    """Return the parts of a drawing with features [h, w].

    votes: [h, w, N], which add up to 1; those of a keyframe are 1 for what is painted. areas: int64 [h, w], see
    `find_areas`. paper: [h, w], the share of paper under each feature.
    """
    rows, columns, count = votes.shape
    known = paper > LEAST_PAPER
    _, groups = (areas * count + votes.argmax(dim=-1))[known].unique(return_inverse=True)
    mass, kept = torch.bincount(groups, paper[known]).sort(descending=True, stable=True)
    mass, kept = mass[:MOST].float(), kept[:MOST]
    rank = torch.full((int(groups.max()) + 1 if len(groups) else 0,), -1, device=votes.device)
    rank[kept] = torch.arange(len(kept), device=votes.device)
    part_of = torch.full(known.shape, -1, device=votes.device)
    part_of[known] = rank[groups]
    inside = part_of >= 0
    index, weight = part_of[inside], paper[inside][:, None]

    def mean(values: torch.Tensor) -> torch.Tensor:
        total = values.new_zeros(len(mass), values.shape[-1]).index_add(0, index, values * weight)
        return total / mass[:, None]

    grid = position_grid(rows, columns, votes.device)[inside]
    places, targets = mean(grid), mean(features.positions[inside])
    y, x = (grid - places[index]).unbind(dim=1)
    spread = mean(torch.stack([y * y, x * x, x * y], dim=-1))
    area_of = torch.zeros(len(mass), dtype=torch.int64, device=votes.device).scatter(0, index, areas[inside])
    of_area = torch.bincount(areas.flatten(), paper.flatten())[area_of].float()
    rim = torch.zeros_like(inside)
    rim[[0, -1]] = rim[:, [0, -1]] = True
    cut = torch.bincount(part_of[inside & rim], minlength=len(mass)).clamp(max=1)
    size = _UNIT_AREA / (rows * columns)
    geometry = torch.cat(
        [
            places / rows,
            targets / rows,
            spread[:, :2].clamp(min=0).sqrt() / rows,
            10 * spread[:, 2:] / rows**2,
            torch.stack([(mass * size).log1p() / 5, (of_area * size).log1p() / 5, mass / of_area, cut.float()], dim=1),
        ],
        dim=1,
    )
    contacts = _contacts(part_of, len(mass))
    return Parts(part_of, mean(votes[inside]), mean(features.descriptors[inside]), geometry, area_of, contacts, mass)


def overlaps(first: Parts, second: Parts) -> torch.Tensor:
    """Return the share of each part of a drawing that lies, at the same place, on each part of another one, [P, Q]."""
    both = (first.part_of >= 0) & (second.part_of >= 0)
    pairs = first.part_of[both] * len(second.mass) + second.part_of[both]
    shared = torch.bincount(pairs, minlength=len(first.mass) * len(second.mass))
    shared = shared.view(len(first.mass), len(second.mass))
    sizes = torch.bincount(first.part_of[first.part_of >= 0], minlength=len(first.mass))
    return shared / sizes.clamp(min=1)[:, None]


def _contacts(part_of: torch.Tensor, count: int) -> torch.Tensor:
    """Return how often features of two parts are beside each other or have one feature between them, [P, P], in heights
    of the drawing."""
    found = torch.zeros(count * count, device=part_of.device)
    for step in (1, 2):
        for a, b in ((part_of[step:], part_of[:-step]), (part_of[:, step:], part_of[:, :-step])):
            touching = (a >= 0) & (b >= 0) & (a != b)
            found += torch.bincount(a[touching] * count + b[touching], minlength=count * count)
    table = found.view(count, count)
    return (table + table.T) / len(part_of)
