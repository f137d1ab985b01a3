# SPDX-License-Identifier: GPL-3.0-or-later
"""Segments have the same frames on a device that is not the CPU, in every memory mode; see `tests.second_device`."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from server.longanimation.placement import EVERY_STEP, load, place
from tests import second_device
from tests.second_device import DEVICE

from .test_placement import TINY, segments


@pytest.fixture(autouse=True)
def in_use() -> Iterator[None]:
    with second_device.in_use():
        yield


@pytest.fixture(scope="module")
def exact() -> torch.Tensor:
    return segments(load(TINY, "full", torch.float32))


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "pinned"), [("full", False), ("model", False), ("group", True), ("fp8", False)])
def test_segments_have_the_same_frames(mode: str, pinned: bool, exact: torch.Tensor) -> None:
    pipeline = load(TINY, mode, torch.float32)
    place(pipeline, mode, DEVICE, tiling=False, pinned=pinned)
    frames = segments(pipeline)
    assert frames.device == DEVICE
    assert (frames.cpu() - exact).abs().max() < (0.2 if mode == "fp8" else 1e-3)


@pytest.mark.slow
def test_what_is_needed_in_every_step_is_pinned_once() -> None:
    pipeline = load(TINY, "group", torch.float32)
    place(pipeline, "group", DEVICE, tiling=False, pinned=True)
    weights = sum(len([*getattr(pipeline, name).parameters()]) for name in EVERY_STEP)
    assert weights <= second_device.module.pinned <= weights + 5, "buffers, too"
    before: list[int] = []

    def note(_pipeline: Any, _index: int, _timestep: int, tensors: dict) -> dict:
        before.append(second_device.module.pinned)
        return tensors

    segments(pipeline, note)
    assert before[0] == before[1] and before[2] == before[3], "nothing is pinned between the steps of a segment"


def test_the_device_refuses_what_a_gpu_refuses() -> None:
    there, here = torch.ones(2, 2, device=DEVICE), torch.ones(2, 2)
    for mixed in (lambda: there @ here, lambda: torch.cat([there, here]), lambda: here[there.long()]):
        with pytest.raises(RuntimeError, match="on different devices"):
            mixed()
    with pytest.raises(RuntimeError, match="numpy"):
        np.asarray(there)
    with pytest.raises(RuntimeError, match="generator of cpu"):
        torch.randn(2, device=DEVICE, generator=torch.Generator())


def test_the_device_allows_what_a_gpu_allows() -> None:
    there = torch.arange(4.0, device=DEVICE)
    assert (there[torch.tensor([1, 2])] * torch.tensor(2.0)).tolist() == [2, 4]
    linear = torch.nn.Linear(4, 1).to(DEVICE)
    linear(there).backward()
    assert linear.weight.grad.device == DEVICE
    assert torch.nn.Linear(4, 1).to(DEVICE).to("cpu")(there.cpu()).device.type == "cpu"
