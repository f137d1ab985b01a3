# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence is pooled by palette entry, and votes go to what is alike and near."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from server.coloring.matching import (
    FINISHED,
    REFERENCE,
    STRIDE,
    Evidence,
    Features,
    LineMatcher,
    find_areas,
    gather_evidence,
    match,
    place_grid,
    pool_labels,
)


@pytest.fixture(scope="module")
def matcher() -> LineMatcher:
    torch.manual_seed(0)
    return LineMatcher(width=16, layers=2, heads=2, features=8).eval()


def two_halves(rows: int = 32, columns: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    """Labels [H, W], the left half 0 and the right half 1, with a line between; and which pixels are paper."""
    labels = torch.zeros(rows, columns, dtype=torch.uint8)
    labels[:, columns // 2 :] = 1
    paper = torch.ones(rows, columns, dtype=torch.bool)
    paper[:, columns // 2 - 1 : columns // 2 + 1] = False
    return labels, paper


def test_labels_are_pooled_without_the_lines() -> None:
    entries, share = pool_labels(*two_halves(), count=3)
    assert entries.shape == share.shape == (8, 16)
    assert (entries[:, :8] == 0).all() and (entries[:, 8:] == 1).all()
    assert (share[:, [7, 8]] == 0.75).all() and (share[:, :7] == 1).all()


def test_a_key_holds_the_features_of_one_entry_in_one_cell() -> None:
    entries, share = pool_labels(*two_halves(columns=40), count=2)  # the border, at feature 5, lies within a cell
    ones = torch.ones(entries.shape)
    features = Features(F.one_hot(entries, 4).float(), place_grid(*entries.shape) + 3, ones, ones)
    evidence = gather_evidence(features, entries, share, REFERENCE)
    assert len(evidence.entries) == 2 * 4  # two rows of cells; four keys each, since the border halves one cell
    assert evidence.places.min() >= 3  # where the features say that they are, not where they lie
    assert torch.equal(evidence.looks, F.one_hot(evidence.entries, 4).float())
    assert evidence.mass.sum() == pytest.approx(float(share.sum()))


def evidence_of(entry: int, feature: torch.Tensor, place: tuple[float, float], role: int = REFERENCE) -> Evidence:
    return Evidence(feature[None], torch.tensor([entry]), torch.tensor([place]).float(), torch.tensor([16.0]), role)


def asked(look: torch.Tensor, sharpness: float = 1, reach: float = 1) -> Features:
    return Features(look[None], torch.tensor([[5.0, 5.0]]), torch.tensor([sharpness]), torch.tensor([reach]))


def test_the_more_alike_key_gets_the_vote(matcher: LineMatcher) -> None:
    same, other = F.one_hot(torch.tensor([1, 4]), 8).float()
    evidence = [evidence_of(2, same, (5, 5)), evidence_of(0, other, (5, 5))]
    votes = match(matcher, asked(same), evidence, count=3)
    assert votes.sum().item() == pytest.approx(1) and votes.argmax() == 2


@pytest.mark.parametrize("role", [REFERENCE, FINISHED])
def test_of_two_alike_the_nearer_gets_the_vote(matcher: LineMatcher, role: int) -> None:
    feature = F.one_hot(torch.tensor(1), 8).float()
    evidence = [evidence_of(0, feature, (5, 60), role), evidence_of(1, feature, (6, 5), role)]
    votes = match(matcher, asked(feature), evidence, count=2)
    assert votes[0, 1] > votes[0, 0]


def test_what_is_asked_says_how_much_look_and_place_count(matcher: LineMatcher) -> None:
    same, other = F.one_hot(torch.tensor([1, 4]), 8).float()
    evidence = [evidence_of(0, same, (5, 60)), evidence_of(1, other, (5, 5))]  # alike but far, near but different
    assert match(matcher, asked(same, sharpness=3, reach=0.01), evidence, count=2)[0, 0] > 0.9
    assert match(matcher, asked(same, sharpness=0.01, reach=30), evidence, count=2)[0, 1] > 0.9


def test_features_have_length_one_and_a_place_each(matcher: LineMatcher) -> None:
    line_art = torch.rand(2, 3, 32, 48)
    areas = torch.zeros(2, 3, 8, 12, dtype=torch.int64)
    features = matcher(line_art, areas)
    assert features.looks.shape == (2, 3, 8, 12, 8)
    assert torch.allclose(features.looks.norm(dim=-1), torch.ones(2, 3, 8, 12), atol=1e-5)
    assert torch.equal(features.places, place_grid(8, 12).expand(2, 3, -1, -1, -1))  # untrained


def test_windows_of_a_batch_do_not_see_each_other(matcher: LineMatcher) -> None:
    line_art = torch.rand(2, 3, 32, 48)
    areas = torch.randint(0, 4, (2, 3, 8, 12))
    both, alone = matcher(line_art, areas), matcher(line_art[1:], areas[1:])
    assert torch.allclose(both.looks[1], alone.looks[0], atol=1e-5)


def test_areas_are_separated_by_lines() -> None:
    labels, paper = two_halves()
    areas = find_areas(np.where(paper, 255, 0).astype(np.uint8))
    assert areas.shape == tuple(side // STRIDE for side in labels.shape)
    assert len(np.unique(areas[:, :8])) == len(np.unique(areas[:, 8:])) == 1
    assert areas[0, 0] != areas[0, -1]


@pytest.mark.parametrize(("gap", "closed"), [(4, True), (40, False)])
def test_a_small_break_of_a_line_is_closed(gap: int, closed: bool) -> None:
    _, paper = two_halves(rows=64, columns=128)
    paper[10 : 10 + gap] = True
    areas = find_areas(np.where(paper, 255, 0).astype(np.uint8))
    assert (areas[0, 0] != areas[0, -1]) == closed
