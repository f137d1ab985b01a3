# SPDX-License-Identifier: GPL-3.0-or-later
"""A stage of training, and the settings that all stages share."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from .run import FINAL_RATE, Precision, TrainingRun
from .run_record import RunRecord


@dataclass(frozen=True)
class Settings:
    """The settings of a stage.

    minutes, steps: the stage ends when either is reached; steps count from the start of the stage, not of the call.
    batch: samples per step in each process, `accumulate` times. workers: processes that draw samples in advance.
    rate: the highest learning rate. final_rate: the share of it at the end of a call. precision: of the arithmetic.
    recompute: gradient checkpointing, for models that fill the GPU.
    base: folder of a pipeline, such as a converted published one. All its modules except the stage's own are frozen.
        With None, the tiny stack is trained.
    pictures: minutes between sample grids.
    shard: keep only a part of the frozen modules in each process, see `sharding`. There are no pictures then, because
        one process alone cannot paint them.
    seen: samples that the initial weights have already seen, so that a run without a checkpoint draws others.
    """

    minutes: float = 60
    steps: int | None = None
    batch: int = 8
    rate: float = 1e-3
    final_rate: float = FINAL_RATE
    precision: Precision = "no"
    accumulate: int = 1
    workers: int = 1
    recompute: bool = False
    base: Path | None = None
    pictures: float = 10
    shard: bool = False
    seen: int = 0

    @property
    def base_dtype(self) -> torch.dtype:
        """The type in which a base's frozen weights are kept."""
        return torch.bfloat16 if self.precision == "bf16" else torch.float32


class Stage(Protocol):
    """Modules to train, by their names in the pipeline, and their loss."""

    modules: dict[str, nn.Module]
    measures: dict[str, float]

    def to(self, device: torch.device) -> None:
        """Move the modules that are not trained to a device."""

    def batches(self, settings: Settings, first: int) -> Iterator[dict]:
        """Return endless batches, after the `first` samples."""

    def loss(self, batch: dict) -> torch.Tensor:
        """Return the loss of a batch."""

    def picture(self) -> np.ndarray:
        """Return the stage's current results in rows: line art, the stage's colors, the truth; RGB uint8 [H, W, 3]."""


def train_stage(name: str, folder: Path, stage: Stage, settings: Settings, **arguments: Any) -> None:
    """Train a stage in `folder`/NAME-run, and write the averaged weights of its modules into `folder`, and beside them
    NAME.json, which says how they were made. arguments: the stage's own, for this record."""
    run = TrainingRun(
        folder / f"{name}-run",
        stage.modules,
        settings.rate,
        settings.precision,
        settings.accumulate,
        settings.final_rate,
    )
    accelerator = run.accelerator
    run.record = RunRecord(
        folder / f"{name}.json",
        name,
        settings,
        arguments,
        accelerator.num_processes,
        accelerator.device.type,
        run.progress,
    )
    stage.to(run.accelerator.device)
    run.train(
        stage.batches(settings, settings.seen + run.samples),
        stage.loss,
        settings.minutes,
        settings.steps,
        None if settings.shard else stage.picture,
        settings.pictures,
        stage.measures,
        folder,
    )
