# SPDX-License-Identifier: GPL-3.0-or-later
"""One training run: optimiser, averaged weights, log and checkpoint, so that a stage can stop and go on."""

import csv
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch
from rich.console import Console
from torch import nn

CHECKPOINT_SECONDS = 300
AVERAGE_DECAY = 0.998
WARMUP_STEPS = 100

_console = Console(stderr=True)


def _optimizers(modules: Iterable[nn.Module], rate: float) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside transformer blocks, AdamW for everything else."""
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for module in modules:
        for name, parameter in module.named_parameters():
            if parameter.requires_grad:
                inside = "transformer_blocks" in name and parameter.ndim == 2
                (matrices if inside else others).append(parameter)
    optimizers: list[torch.optim.Optimizer] = [torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.99), weight_decay=0.01)]
    if matrices:
        optimizers.append(torch.optim.Muon(matrices, lr=rate, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"))
    return optimizers


class TrainingRun:
    """Trains named modules by calling a loss, for a number of minutes, from where the last run stopped.

    folder: holds `checkpoint.pt` (weights, averages, optimiser, steps and samples seen) and `log.csv`.
    """

    def __init__(self, folder: Path, modules: dict[str, nn.Module], rate: float) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.modules = modules
        self.rate = rate
        self.optimizers = _optimizers(modules.values(), rate)
        self.averages = {
            name: {key: value.detach().clone() for key, value in module.state_dict().items()}
            for name, module in modules.items()
        }
        self.step = 0
        self.samples = 0
        if self.checkpoint.exists():
            self._load()

    @property
    def checkpoint(self) -> Path:
        """Where the run stops and goes on."""
        return self.folder / "checkpoint.pt"

    def _load(self) -> None:
        stored = torch.load(self.checkpoint, weights_only=True)
        for name, module in self.modules.items():
            module.load_state_dict(stored["modules"][name])
        for optimizer, state in zip(self.optimizers, stored["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        self.averages = stored["averages"]
        self.step, self.samples = stored["step"], stored["samples"]
        _console.print(f"{self.folder.name}: goes on after step {self.step}")

    def save(self) -> None:
        """Write the checkpoint; an interrupted write leaves the old one."""
        content = {
            "modules": {name: module.state_dict() for name, module in self.modules.items()},
            "averages": self.averages,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "samples": self.samples,
        }
        temporary = self.checkpoint.with_suffix(".tmp")
        torch.save(content, temporary)
        os.replace(temporary, self.checkpoint)

    def load_averages(self) -> None:
        """Put the averaged weights into the modules."""
        for name, module in self.modules.items():
            module.load_state_dict(self.averages[name])

    def _average(self) -> None:
        decay = min(AVERAGE_DECAY, (1 + self.step) / (10 + self.step))
        for name, module in self.modules.items():
            average = self.averages[name]
            for key, value in module.state_dict().items():
                if value.is_floating_point():
                    average[key].lerp_(value, 1 - decay)
                else:
                    average[key].copy_(value)

    def train(self, batches: Iterator[dict], loss_of: Callable[[dict], torch.Tensor], minutes: float) -> None:
        """Train for `minutes`; the learning rate falls linearly to a tenth over this call."""
        parameters = [p for module in self.modules.values() for p in module.parameters() if p.requires_grad]
        started = saved = time.monotonic()
        with (self.folder / "log.csv").open("a", newline="") as file:
            log = csv.writer(file)
            while (elapsed := time.monotonic() - started) < minutes * 60:
                fade = 1 - 0.9 * elapsed / (minutes * 60)
                for optimizer in self.optimizers:
                    optimizer.param_groups[0]["lr"] = self.rate * fade * min(1, (self.step + 1) / WARMUP_STEPS)
                batch = next(batches)
                loss = loss_of(batch)
                loss.backward()
                norm = nn.utils.clip_grad_norm_(parameters, 1.0)
                for optimizer in self.optimizers:
                    optimizer.step()
                    optimizer.zero_grad(set_to_none=True)
                self.step += 1
                self.samples += len(batch["prompt"])
                self._average()
                log.writerow([self.step, self.samples, f"{loss.item():.5f}", f"{norm.item():.3f}", f"{elapsed:.1f}"])
                if self.step % 10 == 0:
                    file.flush()
                    _console.print(f"{self.folder.name} step {self.step} samples {self.samples} loss {loss.item():.4f}")
                if time.monotonic() - saved > CHECKPOINT_SECONDS:
                    self.save()
                    saved = time.monotonic()
        self.save()
