# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines are found where they are drawn, and nowhere else."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from server.coloring.line_art.difference_of_gaussians import DifferenceOfGaussians
from server.longanimation.line_extractor import InformativeDrawings, _Generator
from server.longanimation.sketch import sketch_signal
from server.training.cartoon import draw_clip


def share_near(lines: np.ndarray, others: np.ndarray) -> float:
    """The share of `lines` within two pixels of `others`, both bool."""
    return cv2.dilate(others.astype(np.uint8), np.ones((5, 5)))[lines].mean()


def test_the_classical_extractor_finds_the_lines_of_a_painted_cartoon() -> None:
    clip = draw_clip(seed=43, drawings=1, width=960, height=540)
    painted = (clip.colors[clip.labels[0]] * (clip.line_art[0][..., None] / 255)).round().astype(np.uint8)
    signal = sketch_signal(DifferenceOfGaussians()(painted), 540, 960)[0].numpy()
    found, drawn = signal > 0, clip.line_art[0] < 128
    assert share_near(drawn, found) > 0.9
    assert share_near(found, drawn) > 0.8
    assert found.mean() < 0.2


@pytest.mark.parametrize("level", [0, 40, 255])
def test_a_flat_area_has_no_lines_however_dark_it_is(level: int) -> None:
    assert (DifferenceOfGaussians()(np.full((60, 80, 3), level, np.uint8)) > 250).all()


def test_the_published_extractor_loads_strictly_and_keeps_the_size(tmp_path: Path) -> None:
    torch.manual_seed(0)
    weights = _Generator().state_dict()
    assert {"model0.1.weight", "model1.3.bias", "model2.2.conv_block.5.weight", "model4.1.bias"} <= weights.keys()
    torch.save(weights, tmp_path / "netG_A_latest.pth")
    lines = InformativeDrawings(tmp_path / "netG_A_latest.pth")(np.zeros((30, 45, 3), np.uint8))
    assert lines.shape == (30, 45) and lines.dtype == np.uint8
    torch.save({name: weight for name, weight in weights.items() if name != "model4.1.bias"}, tmp_path / "other.pth")
    with pytest.raises(RuntimeError, match=r"model4\.1\.bias"):
        InformativeDrawings(tmp_path / "other.pth")
