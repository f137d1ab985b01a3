# SPDX-License-Identifier: GPL-3.0-or-later
"""Every stage trains, stops and continues on a device that is not the CPU; see `tests.second_device`."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from accelerate import PartialState
from accelerate.state import AcceleratorState

from server.longanimation.convert import plan_conversion
from server.longanimation.tiny import tiny_video_xl
from server.training.preset import SETTINGS
from server.training.samples import SampleShape
from server.training.stage import Settings
from server.training.stages.describe import train_describe
from server.training.stages.match import train_match
from server.training.stages.memory import train_memory
from server.training.stages.reward import train_reward
from server.training.stages.sketch import train_sketch
from server.training.stages.vae import train_vae
from server.training.stories import StoryShape
from tests import second_device
from tests.longanimation.miniature import write_downloads, write_json

pytestmark = pytest.mark.slow

QUICK = Settings(steps=1, batch=1, workers=0)
SMALL = SampleShape(drawings=2, height=32, width=48, history=3)
ON_BASE = SampleShape(drawings=9, height=32, width=48, history=3)


@pytest.fixture(autouse=True)
def on_second_device(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Accelerate finds the second device."""
    AcceleratorState._reset_state(reset_partial_state=True)
    monkeypatch.setattr(PartialState, "default_device", second_device.DEVICE)
    with second_device.in_use():
        yield
    AcceleratorState._reset_state(reset_partial_state=True)


def steps_logged(folder: Path) -> int:
    with (folder / "log.csv").open() as file:
        return len(list(csv.reader(file)))


def test_the_tiny_stack_trains_there(tmp_path: Path) -> None:
    train_vae(tmp_path, SMALL, QUICK)
    train_sketch(tmp_path, SMALL, QUICK)
    train_sketch(tmp_path, SMALL, replace(QUICK, steps=2))
    assert steps_logged(tmp_path / "sketch-run") == 2
    tiny_video_xl().save_pretrained(tmp_path / "video_xl")
    train_describe(tmp_path, replace(SMALL, history=1), QUICK)
    train_memory(tmp_path, SMALL, QUICK)
    train_reward(tmp_path, SMALL, QUICK, colorings=2, steps=2)
    assert PartialState().device == second_device.DEVICE


def test_a_published_base_trains_there(tmp_path: Path) -> None:
    base = tmp_path / "base"
    plan_conversion(write_downloads(tmp_path)[0], base, torch.float32).run()
    write_json(base / "preset.json", SETTINGS | {"title": "Miniature"})
    settings = replace(QUICK, base=base, recompute=True)
    train_sketch(tmp_path, ON_BASE, settings)
    train_memory(tmp_path, ON_BASE, settings)
    train_reward(tmp_path, ON_BASE, settings, colorings=2, steps=2)


def test_the_line_matcher_trains_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train_match(tmp_path, StoryShape(96, 160), replace(QUICK, batch=2))
    assert (tmp_path / "line_matcher" / "config.json").exists()
