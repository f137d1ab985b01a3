# SPDX-License-Identifier: GPL-3.0-or-later
"""A shot is colored on a device that is not the CPU, to the same pixels; see `tests.second_device`."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from server.coloring.colorizer import Colorizer
from server.coloring.shot import SegmentResult, Shot
from server.training.cartoon import draw_clip
from tests import second_device
from tests.coloring.drawings import with_alpha

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    torch.use_deterministic_algorithms(False)


def color(device: str, quality: str) -> list[SegmentResult]:
    """Color a shot of several segments, with a background that the model makes from the prompt."""
    colorizer = Colorizer.from_preset("tiny", device)
    colorizer.preset = replace(colorizer.preset, pixels=96 * 64, segment=6)
    clip = draw_clip(seed=123456789, drawings=9, width=160, height=96)
    behind = clip.labels[1] == clip.labels[1][0, 0]
    painting = with_alpha(clip.colors[clip.labels[1]].round().astype(np.uint8), 255 * ~behind)
    shot = Shot(list(clip.line_art), {1: painting}, "a hill", quality=quality, background="generated")
    coloring = colorizer.open(shot)
    return [coloring.color(index) for index in range(len(coloring.segments))]


@pytest.mark.parametrize(("quality", "bf16"), [("preview", False), ("final", True)])
def test_a_shot_has_the_same_colors_on_another_device(
    quality: str, bf16: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": bf16})
    monkeypatch.setattr(second_device.module, "bf16", bf16)
    on_cpu = color("cpu", quality)
    with second_device.in_use():
        there = color(second_device.NAME, quality)
    assert torch.are_deterministic_algorithms_enabled(), "or a resumed shot would have other frames"
    assert len(there) == len(on_cpu) > 1
    shares = [
        (np.abs(frame.astype(int) - found.frames[drawing]).max(axis=2) > 8).mean()
        for expected, found in zip(on_cpu, there, strict=True)
        for drawing, frame in expected.frames.items()
    ]
    assert np.mean(shares) < 0.01
    if not bf16:  # in bfloat16, votes are rounded in another order, and a small part may tip over
        assert max(shares) == 0
