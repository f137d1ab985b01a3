# SPDX-License-Identifier: GPL-3.0-or-later
"""Descriptors are pooled by palette entry, and votes go to what is similar and near."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from server.coloring.matching import (
    KEYFRAME,
    STRIDE,
    Asked,
    Features,
    LabeledDescriptors,
    LineMatcher,
    find_areas,
    match,
    pool_descriptors,
    pool_labels,
    position_grid,
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
    positions = position_grid(entries.shape[0], entries.shape[1], entries.device) + 3
    features = Features(F.one_hot(entries, 4).float(), positions, ones, ones)
    labeled = pool_descriptors(features, entries, share, KEYFRAME)
    assert len(labeled.entries) == 2 * 4  # two rows of cells; four keys each, since the border halves one cell
    assert labeled.positions.min() >= 3  # where the features say that they are, not where they lie
    assert torch.equal(labeled.descriptors, F.one_hot(labeled.entries, 4).float())
    assert labeled.mass.sum() == pytest.approx(float(share.sum()))


def labeled_with(
    entry: int, feature: torch.Tensor, position: tuple[float, float], role: int = KEYFRAME
) -> LabeledDescriptors:
    return LabeledDescriptors(
        feature[None], torch.tensor([entry]), torch.tensor([position]).float(), torch.tensor([16.0]), role
    )


def query(descriptor: torch.Tensor, sharpness: float = 1, distance_weight: float = 1) -> Features:
    return Features(
        descriptor[None], torch.tensor([[5.0, 5.0]]), torch.tensor([sharpness]), torch.tensor([distance_weight])
    )


def test_the_more_alike_key_gets_the_vote(matcher: LineMatcher) -> None:
    same, other = F.one_hot(torch.tensor([1, 4]), 8).float()
    labeled = [labeled_with(2, same, (5, 5)), labeled_with(0, other, (5, 5))]
    votes = match(matcher, [Asked(query(same), labeled)], count=3)
    assert votes.sum().item() == pytest.approx(1) and votes.argmax() == 2


@pytest.mark.parametrize("role", [KEYFRAME, 1, 3])
def test_of_two_alike_the_nearer_gets_the_vote(matcher: LineMatcher, role: int) -> None:
    feature = F.one_hot(torch.tensor(1), 8).float()
    labeled = [labeled_with(0, feature, (5, 60), role), labeled_with(1, feature, (6, 5), role)]
    votes = match(matcher, [Asked(query(feature), labeled)], count=2)
    assert votes[0, 1] > votes[0, 0]


def test_a_query_says_how_much_descriptor_and_position_count(matcher: LineMatcher) -> None:
    same, other = F.one_hot(torch.tensor([1, 4]), 8).float()
    labeled = [labeled_with(0, same, (5, 60)), labeled_with(1, other, (5, 5))]  # alike but far, near but different
    assert match(matcher, [Asked(query(same, sharpness=3, distance_weight=0.01), labeled)], count=2)[0, 0] > 0.9
    assert match(matcher, [Asked(query(same, sharpness=0.01, distance_weight=30), labeled)], count=2)[0, 1] > 0.9


def test_descriptors_have_length_one_and_a_position_each(matcher: LineMatcher) -> None:
    line_art = torch.rand(2, 3, 32, 48)
    areas = torch.zeros(2, 3, 8, 12, dtype=torch.int64)
    features = matcher(line_art, areas)
    assert features.descriptors.shape == (2, 3, 8, 12, 8)
    assert torch.allclose(features.descriptors.norm(dim=-1), torch.ones(2, 3, 8, 12), atol=1e-5)
    untrained = position_grid(8, 12, torch.device("cpu"))
    assert torch.equal(features.positions, untrained.expand(2, 3, -1, -1, -1))


def test_windows_of_a_batch_do_not_see_each_other(matcher: LineMatcher) -> None:
    line_art = torch.rand(2, 3, 32, 48)
    areas = torch.randint(0, 4, (2, 3, 8, 12))
    both, alone = matcher(line_art, areas), matcher(line_art[1:], areas[1:])
    assert torch.allclose(both.descriptors[1], alone.descriptors[0], atol=1e-5)


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


def test_the_order_of_keyframes_does_not_matter(matcher: LineMatcher) -> None:
    line_art = torch.rand(1, 4, 32, 48)
    areas = torch.randint(0, 4, (1, 4, 8, 12))
    swapped = [1, 0, 2, 3]
    features, others = matcher(line_art, areas, 2), matcher(line_art[:, swapped], areas[:, swapped], 2)
    assert torch.allclose(features.descriptors[:, swapped], others.descriptors, atol=1e-5)


def test_a_finished_drawing_has_a_role_by_its_gap() -> None:
    assert [LineMatcher(width=16, layers=1).role_of(gap) for gap in (1, 2, 4, 5, 90)] == [1, 2, 2, 3, 3]
    assert LineMatcher(width=16, layers=1, roles=2).role_of(90) == 1


def test_unsure_features_count_less() -> None:
    entries, share = pool_labels(*two_halves(), count=2)
    ones = torch.ones(entries.shape)
    features = Features(F.one_hot(entries, 4).float(), position_grid(*entries.shape, entries.device), ones, ones)
    sure = pool_descriptors(features, entries, share, 1)
    unsure = pool_descriptors(features, entries, share, 1, confidence=0.25 * ones)
    assert torch.allclose(unsure.mass, 0.25 * sure.mass) and torch.allclose(unsure.positions, sure.positions)
