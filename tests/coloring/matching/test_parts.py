# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts are what one area and one entry have in common."""

import pytest
import torch
from torch.nn import functional as F

from server.coloring.matching import Features, Parts, find_parts, position_grid
from server.coloring.matching.parts import MOST, overlaps

ENTRIES = torch.tensor([[0, 0, 0, 0, 0, 0], [0, 1, 1, 0, 2, 0], [0, 1, 1, 0, 2, 0], [0, 0, 0, 0, 2, 0]])
AREAS = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 2, 2, 1, 3, 1], [1, 2, 2, 1, 3, 1], [1, 1, 1, 1, 3, 1]])


def parts_of(entries: torch.Tensor = ENTRIES, areas: torch.Tensor = AREAS, paper: torch.Tensor | None = None) -> Parts:
    rows, columns = entries.shape
    votes = F.one_hot(entries, 3).float()
    ones = torch.ones(rows, columns)
    descriptors = torch.stack([areas.float(), ones], dim=-1)
    features = Features(descriptors, position_grid(rows, columns, entries.device) + 1, ones, ones)
    return find_parts(features, votes, areas, ones if paper is None else paper)


def test_the_largest_part_is_the_first() -> None:
    parts = parts_of()
    assert parts.mass.tolist() == [17, 4, 3]
    assert torch.equal(parts.part_of, ENTRIES)
    assert parts.votes.argmax(dim=1).tolist() == [0, 1, 2]
    assert parts.areas.tolist() == [1, 2, 3]
    assert parts.descriptors[:, 0].tolist() == [1, 2, 3]


def test_an_area_that_is_matched_in_two_ways_is_two_parts() -> None:
    entries = ENTRIES.clone()
    entries[1, 1] = 2
    parts = parts_of(entries)
    assert parts.mass.tolist() == [17, 3, 3, 1]
    assert parts.areas.tolist() == [1, 2, 3, 2]
    shares = parts.geometry[:, 9]
    assert torch.allclose(shares, torch.tensor([1, 0.75, 1, 0.25]))


def test_geometry_is_in_heights_and_tells_what_the_frame_cuts() -> None:
    parts = parts_of()
    square = parts.geometry[1]
    assert torch.allclose(square[:4], torch.tensor([1.5, 1.5, 2.5, 2.5]) / 4), "center, then where it comes from"
    assert torch.allclose(square[4:6], torch.full((2,), 0.5 / 4)) and square[6] == 0
    assert parts.geometry[:, 10].tolist() == [1, 0, 1]


def test_contacts_cross_a_line_and_no_more() -> None:
    contacts = parts_of().contacts
    assert contacts[0, 1] > 0 and contacts[0, 2] > 0
    assert contacts[1, 2] > 0, "one feature is between them"
    assert torch.equal(contacts, contacts.T) and not contacts.diagonal().any()


def test_lines_are_in_no_part_and_only_so_many_parts_are_kept() -> None:
    paper = torch.ones(4, 6)
    paper[0] = 0
    assert (parts_of(paper=paper).part_of[0] == -1).all()
    entries = torch.zeros(20, 20, dtype=torch.int64)
    areas = torch.arange(400).reshape(20, 20)
    many = parts_of(entries, areas)
    assert len(many.mass) == MOST and (many.part_of >= 0).sum() == MOST


def test_a_drawing_without_paper_has_no_parts() -> None:
    parts = parts_of(paper=torch.zeros(4, 6))
    assert len(parts.mass) == 0 and parts.votes.shape == (0, 3)


def test_overlaps_are_shares_of_the_first() -> None:
    moved = torch.roll(ENTRIES, 1, dims=1)
    found = overlaps(parts_of(), parts_of(moved, torch.roll(AREAS, 1, dims=1)))
    assert found[1, 1] == pytest.approx(0.5)
    assert found[2, 2] == 0
    assert torch.allclose(found.sum(dim=1), torch.ones(3))


def test_mirrored_parts_are_those_of_the_mirrored_drawing() -> None:
    rows, columns = ENTRIES.shape
    entries = ENTRIES.clone()
    entries[2, 3] = 1  # a part that slants
    targets = position_grid(rows, columns, entries.device) + torch.tensor([1.0, 2.0])
    there = targets.clone()
    there[..., 1] = columns - 1 - targets[..., 1]

    def parts(labels: torch.Tensor, areas: torch.Tensor, positions: torch.Tensor) -> Parts:
        ones = torch.ones(rows, columns)
        features = Features(torch.ones(rows, columns, 2), positions, ones, ones)
        return find_parts(features, F.one_hot(labels, 3).float(), areas, ones)

    found = parts(entries, AREAS, targets).mirrored()
    expected = parts(entries.flip(1), AREAS.flip(1), there.flip(1))
    assert found.geometry[:, 6].any()
    assert sorted(map(tuple, found.geometry.round(decimals=4).tolist())) == sorted(
        map(tuple, expected.geometry.round(decimals=4).tolist())
    )
    assert torch.equal(found.part_of >= 0, expected.part_of >= 0)
