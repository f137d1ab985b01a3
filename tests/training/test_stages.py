# SPDX-License-Identifier: GPL-3.0-or-later
"""Every stage trains, stops, goes on, and ends in a preset that loads."""

import csv
from pathlib import Path

import pytest
import torch

from server.longanimation import LongAnimationPipeline
from server.training.memory import train_memory
from server.training.preset import assemble_preset
from server.training.samples import SampleShape, draw_sample
from server.training.sketch import train_sketch
from server.training.vae import train_vae

MOMENT = 0.02
"""Minutes: enough for one step."""


def steps_logged(folder: Path) -> list[int]:
    with (folder / "log.csv").open() as file:
        return [int(row[0]) for row in csv.reader(file)]


def test_the_stages_in_order_make_a_preset(tmp_path: Path) -> None:
    shape = SampleShape(drawings=2, height=32, width=48)
    with pytest.raises(FileNotFoundError, match="train the stage `vae` first"):
        train_sketch(tmp_path, MOMENT, shape, batch=1, rate=1e-3, compiled=False)

    train_vae(tmp_path, MOMENT)
    train_sketch(tmp_path, MOMENT, shape, batch=1, rate=1e-3, compiled=False)
    before = len(steps_logged(tmp_path / "sketch-run"))
    train_sketch(tmp_path, MOMENT, shape, batch=1, rate=1e-3, compiled=False)
    steps = steps_logged(tmp_path / "sketch-run")
    assert len(steps) > before and steps == list(range(1, len(steps) + 1))

    train_memory(tmp_path, MOMENT, SampleShape(2, 32, 48, history=3), batch=1, rate=1e-3)
    assemble_preset(tmp_path, tmp_path / "weights" / "small")
    loaded = LongAnimationPipeline.from_pretrained(tmp_path / "weights" / "small")
    assert loaded.transformer.dtype == torch.float32


def test_a_sample_is_the_same_every_time_and_keeps_its_history_apart() -> None:
    shape = SampleShape(drawings=3, height=32, width=48, history=4)
    one, other = draw_sample(7, shape), draw_sample(7, shape)
    assert one["color"].shape == (4, 32, 48, 3) and one["line_art"].shape == (4, 32, 48)
    assert one["history"].shape == (4, 32, 48, 3)
    assert all((one[key] == other[key]).all() for key in ("color", "line_art", "history"))
