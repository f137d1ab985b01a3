# SPDX-License-Identifier: GPL-3.0-or-later
"""What the line matcher tells of each place of a drawing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Features:
    """What is known of the places of drawings, whatever dimensions [...] they have.

    looks: [..., C], of length 1. places: [..., 2], row and column counted in features, where the place is in the
    reference drawing, as far as the network can tell. sharpness and reach: [...], above 0, how much it counts for what
    is asked there that another place looks alike, and that it is near.
    """

    looks: torch.Tensor
    places: torch.Tensor
    sharpness: torch.Tensor
    reach: torch.Tensor

    def __getitem__(self, index: Any) -> "Features":
        return self._each(lambda part: part[index])

    def flatten(self) -> "Features":
        """Make one dimension of the first two."""
        return self._each(lambda part: part.flatten(0, 1))

    def unflatten(self, sizes: tuple[int, ...]) -> "Features":
        """Make of the first dimension several."""
        return self._each(lambda part: part.unflatten(0, sizes))

    def unbind(self) -> "list[Features]":
        """The features of each index of the first dimension."""
        parts = zip(*(part.unbind() for part in (self.looks, self.places, self.sharpness, self.reach)), strict=True)
        return [Features(*part) for part in parts]

    def cpu(self) -> "Features":
        """Bring them to main memory."""
        return self._each(torch.Tensor.cpu)

    def _each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> "Features":
        return Features(change(self.looks), change(self.places), change(self.sharpness), change(self.reach))


def place_grid(rows: int, columns: int) -> torch.Tensor:
    """Row and column of each feature, float [rows, columns, 2]."""
    return torch.stack(torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij"), dim=-1).float()
