# SPDX-License-Identifier: GPL-3.0-or-later
"""Colored drawings as evidence for the palette entries of other drawings."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch.nn import functional as F

CODE = 32
"""Length of the code of a palette entry."""
KEYFRAME, FINISHED = 0, 1
"""Roles of a colored drawing: a keyframe's painting is correct; a finished drawing's entries have been matched."""
GAPS = 8
"""Number of classes of gaps."""


def gap_class(gap: torch.Tensor) -> torch.Tensor:
    """Return the class int64 [...] of a gap, which is how many drawings later one drawing is than another.

    It is 1 for neighbors, 2 for 2, 3 for 3 and 4, 4 up to 8, 5 up to 16, 6 up to 32, 7 for more. A gap below 0 stands
    for a drawing outside the shot; its class is 0.
    """
    return torch.where(gap < 0, 0, 1 + gap.clamp(min=1).float().log2().ceil().long().clamp(max=GAPS - 2))


def entry_codes(count: int, generator: torch.Generator | None = None) -> torch.Tensor:
    """Return random codes [count, CODE] of length 1 of palette entries."""
    return F.normalize(torch.randn(count, CODE, generator=generator), dim=1)


class Evidence(NamedTuple):
    """Colored drawings, as the pieces of Q other drawings see them.

    layers: keys and values [Q, heads, M, dim / heads] of each layer of the network. features: [Q, M, dim], after the
    last layer. entries: [Q, M, C], the probabilities of the palette entries. areas: [Q, M], 0 where a piece is not to
    be seen. centers: [Q, M, 2], in heights. gaps: int64 [Q, M], see `gap_class`.
    """

    layers: Sequence[tuple[torch.Tensor, torch.Tensor]]
    features: torch.Tensor
    entries: torch.Tensor
    areas: torch.Tensor
    centers: torch.Tensor
    gaps: torch.Tensor


def join_evidence(parts: Sequence[Evidence]) -> Evidence:
    """Return the pieces of several evidences for the same drawings as one."""
    layers = [
        (torch.cat([key for key, _ in layer], dim=2), torch.cat([value for _, value in layer], dim=2))
        for layer in zip(*(part.layers for part in parts), strict=True)
    ]
    _, *rest = (torch.cat(field, dim=1) if index else field for index, field in enumerate(zip(*parts, strict=True)))
    return Evidence(layers, *rest)
