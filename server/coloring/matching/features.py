# SPDX-License-Identifier: GPL-3.0-or-later
"""Features: what the line matcher computes for each position of a drawing."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch


@dataclass(frozen=True)
class Features:
    """Features of drawings, with any leading dimensions [...].

    descriptors: [..., C], of length 1. positions: [..., 2], row and column counted in features; the network's estimate
    of where the same part is in the reference drawing. sharpness and distance_weight: [...], above 0, how much a query
    at this position weighs the similarity of descriptors and the closeness of positions.
    """

    descriptors: torch.Tensor
    positions: torch.Tensor
    sharpness: torch.Tensor
    distance_weight: torch.Tensor

    def __getitem__(self, index: Any) -> "Features":
        return self._each(lambda part: part[index])

    def flatten(self) -> "Features":
        """Merge the first two dimensions."""
        return self._each(lambda part: part.flatten(0, 1))

    def unflatten(self, sizes: tuple[int, ...]) -> "Features":
        """Split the first dimension into several."""
        return self._each(lambda part: part.unflatten(0, sizes))

    def placeless(self) -> "Features":
        """Return features that do not weigh how close positions are."""
        return replace(self, distance_weight=torch.zeros_like(self.distance_weight))

    def mirrored(self) -> "Features":
        """Exchange left and right of features [T, h, w]. The positions that they point to stay as they are."""
        return self._each(lambda part: part.flip(2))

    def unbind(self) -> "list[Features]":
        """The features of each index of the first dimension."""
        fields = (self.descriptors, self.positions, self.sharpness, self.distance_weight)
        return [Features(*parts) for parts in zip(*(field.unbind() for field in fields), strict=True)]

    def _each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> "Features":
        return Features(
            change(self.descriptors), change(self.positions), change(self.sharpness), change(self.distance_weight)
        )


def position_grid(rows: int, columns: int, device: torch.device) -> torch.Tensor:
    """Row and column of each feature, float [rows, columns, 2]."""
    axes = torch.arange(rows, device=device), torch.arange(columns, device=device)
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).float()
