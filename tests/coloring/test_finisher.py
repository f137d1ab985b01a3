# SPDX-License-Identifier: GPL-3.0-or-later
"""The model's votes count as much as the preset says."""

import cv2
import numpy as np
import pytest

from server.coloring.code_colors import ModelVotes
from server.coloring.fill import FlatFill
from server.coloring.finisher import Finisher, JointVotes, KeptBackground
from server.coloring.keyframes import Keyframes
from server.coloring.propagation import Propagated
from server.coloring.shot import Shot

from .drawings import BLUE, RED, scene


@pytest.mark.parametrize(("weight", "color"), [(0.1, BLUE), (1.0, RED)])
def test_a_perfect_model_mends_wrong_propagation_if_its_weight_is_full(
    weight: float, color: tuple[int, int, int]
) -> None:
    drawings, paintings = zip(*(scene(60 + 20 * step) for step in range(2)), strict=True)
    keyframes = Keyframes(Shot(drawings, {0: paintings[0]}), drawings.__getitem__)
    entries = [[tuple(one) for one in keyframes.palette.colors].index(one) for one in (RED, BLUE)]
    right = cv2.resize(paintings[1], (80, 45), interpolation=cv2.INTER_NEAREST)
    is_red = (right == RED).all(axis=2)
    votes = np.zeros((45, 80, len(keyframes.palette.colors)), np.float32)
    votes[..., 0] = ~is_red
    for entry, share in zip(entries, (0.3, 0.7), strict=True):
        votes[is_red, entry] = share
    shape = drawings[1].shape
    propagated = Propagated(votes, np.zeros(shape, bool))
    model = ModelVotes([keyframes.palette.colors], len(keyframes.palette.colors))
    finisher = Finisher(keyframes, JointVotes(model, weight), FlatFill(keyframes.palette), KeptBackground())
    finished = finisher.drawing(drawings[1], right[None], propagated, [0])
    assert tuple(finished.color[60, 80]) == color
