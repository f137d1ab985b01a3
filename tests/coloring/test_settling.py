# SPDX-License-Identifier: GPL-3.0-or-later
"""Votes are settled by part, and the steps of a gradient keep their shares."""

import numpy as np
import torch

from server.coloring.matching import Features, Settler, position_grid
from server.coloring.settling import settle_votes
from server.coloring.windows import Seen

ROWS, COLUMNS = 4, 6
AREAS = torch.tensor([1, 1, 1, 2, 2, 2]).expand(ROWS, COLUMNS).contiguous()
GRADIENTS = np.array([0, 0, 1])
"""The first two entries are steps of one gradient."""


def seen(votes: torch.Tensor) -> Seen:
    ones = torch.ones(ROWS, COLUMNS)
    descriptors = torch.stack([AREAS.float(), ones], dim=-1)
    features = Features(descriptors, position_grid(ROWS, COLUMNS, votes.device), ones, ones)
    return Seen(votes, features, AREAS, ones)


class Turned(torch.nn.Module):
    """Says that each part has the second gradient if it looked like the first, and the reverse."""

    def forward(self, drawings, keyframes, times):
        votes = torch.cat([drawing.votes for drawing in drawings])
        return 8 * (votes.argmax(dim=1, keepdim=True) != torch.arange(2)).float()


def test_gradients_share_what_their_part_gets() -> None:
    shaded = torch.rand(ROWS, COLUMNS, generator=torch.Generator().manual_seed(0))
    votes = torch.stack([0.2 * shaded, 0.2 * (1 - shaded), torch.full_like(shaded, 0.8)], dim=-1)
    (settled,) = settle_votes(Turned(), [seen(votes)], {5: seen(votes)}, [0], GRADIENTS).values()
    assert torch.allclose(settled.sum(dim=-1), torch.ones(ROWS, COLUMNS), atol=1e-4)
    assert (settled[..., 2] < 0.05).all()
    steps = settled[..., 0] / (settled[..., 0] + settled[..., 1])
    assert torch.allclose(steps, shaded, atol=0.01)


def test_an_untrained_settler_elects_the_same() -> None:
    votes = torch.rand(ROWS, COLUMNS, 3, generator=torch.Generator().manual_seed(1)).softmax(dim=-1)
    settler = Settler(width=8, heads=2, rounds=1, relations=4, descriptors=2).eval()
    (settled,) = settle_votes(settler, [seen(votes)], {5: seen(votes)}, [0], np.arange(3)).values()
    assert torch.equal(settled.argmax(dim=-1), votes.argmax(dim=-1))
    assert (settled - votes).abs().max() < 0.02
