# SPDX-License-Identifier: GPL-3.0-or-later
"""The settler begins as no change, knows no entry by name, and learns to let parts vote for each other."""

import torch
from torch.nn import functional as F

from server.coloring.matching import RUN, Features, Parts, Settler, find_parts, position_grid, settle

ROWS, COLUMNS = 6, 8


def drawing(votes: torch.Tensor, generator: torch.Generator | None = None) -> Parts:
    """A drawing of three bars, which are three areas, with votes [3, N]."""
    areas = torch.arange(COLUMNS).clamp(max=5).div(2, rounding_mode="floor").expand(ROWS, COLUMNS).contiguous()
    ones = torch.ones(ROWS, COLUMNS)
    descriptors = F.one_hot(areas, 4).float()
    if generator:
        descriptors = descriptors + 0.1 * torch.rand(descriptors.shape, generator=generator)
    features = Features(descriptors, position_grid(ROWS, COLUMNS, areas.device), ones, ones)
    return find_parts(features, votes[areas], areas, ones)


KEYFRAME = drawing(torch.eye(3))
UNSURE = torch.tensor([[0.4, 0.3, 0.3], [0.2, 0.6, 0.2], [0.1, 0.1, 0.8]])


def small(seed: int = 0) -> Settler:
    torch.manual_seed(seed)
    return Settler(width=16, heads=2, rounds=2, relations=8, descriptors=4).eval()


def stirred(settler: Settler) -> Settler:
    """A settler that changes something, as if it were trained."""
    for step in settler.passes:
        torch.nn.init.normal_(step.gate.weight, std=0.3)
    return settler


def test_it_begins_as_no_change() -> None:
    (change,) = settle(small(), [KEYFRAME], [drawing(UNSURE)], [0, 1])
    assert change.shape == (3, 3) and change.abs().max() < 1e-5


def test_entries_have_no_names() -> None:
    settler = stirred(small())
    order = torch.tensor([2, 0, 1])
    (change,) = settle(settler, [KEYFRAME], [drawing(UNSURE)], [0, 1])
    assert change.abs().max() > 0.01
    renamed = drawing(torch.eye(3)[:, order]), drawing(UNSURE[:, order])
    (same,) = settle(settler, [renamed[0]], [renamed[1]], [0, 1])
    assert torch.allclose(change[:, order], same, atol=1e-5)


def test_long_runs_are_settled_in_pieces() -> None:
    settler = stirred(small())
    drawings = [drawing(UNSURE)] * (2 * RUN + 1)
    changes = settle(settler, [KEYFRAME], drawings, range(1 + len(drawings)))
    assert len(changes) == len(drawings) and all(change.isfinite().all() for change in changes)
    alone = settle(settler, [KEYFRAME], drawings[:RUN], range(1 + RUN))
    assert torch.allclose(changes[0], alone[0], atol=1e-5)


def test_a_drawing_without_parts_is_left_alone() -> None:
    empty = Parts(
        torch.full((ROWS, COLUMNS), -1),
        torch.zeros(0, 3),
        torch.zeros(0, 4),
        torch.zeros(0, 11),
        torch.zeros(0, dtype=torch.int64),
        torch.zeros(0, 0),
        torch.zeros(0),
    )
    nothing, change = settle(stirred(small()), [KEYFRAME], [empty, drawing(UNSURE)], [0, 1, 2])
    assert nothing.shape == (0, 3) and change.isfinite().all()


def test_it_learns_what_other_drawings_know() -> None:
    """Every second drawing is sure, and the others are wrong about one bar that looks the same."""
    settler = small().train()
    optimizer = torch.optim.Adam(settler.parameters(), lr=1e-2)
    wrong = torch.tensor([[0.3, 0.6, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])
    for step in range(60):
        generator = torch.Generator().manual_seed(step)
        pair = [drawing(torch.eye(3), generator), drawing(wrong, generator)]
        logits = settler([drawing(torch.eye(3), generator), *pair], 1, torch.tensor([0.0, 1.0, 2.0]))[3:]
        loss = F.cross_entropy(logits, torch.cat([parts.areas for parts in pair]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    asked = drawing(wrong)
    (change,) = settle(settler.eval(), [KEYFRAME], [asked], [0, 1])
    assert torch.equal((asked.votes.log() + change).argmax(dim=1), asked.areas)
