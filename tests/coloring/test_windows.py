# SPDX-License-Identifier: GPL-3.0-or-later
"""Places ask alone only where the votes of their surroundings are mixed."""

import torch
from torch.nn import functional as F

from server.coloring.windows import _is_mixed


def test_votes_are_mixed_at_borders_and_where_they_are_unsure() -> None:
    entries = torch.zeros(6, 9, dtype=torch.int64)
    entries[:, 6:] = 1
    votes = F.one_hot(entries, 2).float()
    votes[3, 1] = 0.5
    expected = torch.zeros(6, 9, dtype=torch.bool)
    expected[:, 5:7] = True
    expected[2:5, 0:3] = True
    assert torch.equal(_is_mixed(votes), expected)


def test_sure_votes_for_one_entry_are_not_mixed() -> None:
    votes = torch.tensor([0.05, 0.95]).expand(4, 4, 2)
    assert not _is_mixed(votes).any()
