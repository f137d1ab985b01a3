# SPDX-License-Identifier: GPL-3.0-or-later
"""The votes of a segment's drawings, settled together.

Steps of one gradient count as one entry here. So a soft shadow does not divide a part, and keeps its place in it.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch.nn import functional as F

from server.coloring.matching import Parts, Settler, find_parts, settle

from .windows import Seen

_FLOOR = 0.01
_STEP_FLOOR = 1e-3
"""Is added to the votes of the steps of a gradient, before they share those of the gradient."""


def parts_of(seen: Seen, gradients: torch.Tensor) -> Parts:
    """Return the parts of a drawing or reference. gradients: int64 [N], see `find_gradients`."""
    return find_parts(seen.features, seen.votes @ _sharing(gradients), seen.areas, seen.paper)


def settle_votes(
    settler: Settler,
    references: Sequence[Seen],
    matched: Mapping[int, Seen],
    times: Sequence[int],
    gradients: np.ndarray,
) -> dict[int, torch.Tensor]:
    """Return the settled votes [rows, columns, N] of matched drawings.

    references, matched: see `windows.match_drawings`. times: the numbers of the references. gradients: int64 [N], see
    `find_gradients`.
    """
    device = next(iter(matched.values())).votes.device
    groups = torch.from_numpy(gradients).to(device)
    known = [parts_of(reference, groups) for reference in references]
    parts = [parts_of(seen, groups) for seen in matched.values()]
    changes = settle(settler, known, parts, [*times, *matched])
    each = zip(matched.items(), parts, changes, strict=True)
    return {drawing: _changed(seen.votes, here, change, groups) for (drawing, seen), here, change in each}


def _changed(votes: torch.Tensor, parts: Parts, change: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
    """Apply the change [P, G] of the parts' logarithms to votes [rows, columns, N]."""
    sharing = _sharing(gradients)
    inside = parts.part_of >= 0
    steps = votes[inside] + _STEP_FLOOR
    settled = ((votes[inside] @ sharing + _FLOOR).log() + change[parts.part_of[inside]]).softmax(dim=-1)
    result = votes.clone()
    result[inside] = steps / (steps @ sharing)[:, gradients] * settled[:, gradients]
    return result


def _sharing(gradients: torch.Tensor) -> torch.Tensor:
    """Return the matrix [N, G] that adds up entries to gradients."""
    return F.one_hot(gradients, int(gradients.max()) + 1).float()
