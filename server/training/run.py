# SPDX-License-Identifier: GPL-3.0-or-later
"""One training run: optimizer, averaged weights, log, pictures and checkpoint, so that a stage can stop and resume.

Accelerate runs it on a processor, on a GPU, or on several GPUs under `accelerate launch`.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from accelerate.utils import broadcast, send_to_device, set_seed
from diffusers.training_utils import EMAModel
from rich.console import Console
from torch import nn

from server.files import open_atomic

from .run_log import RunLog
from .run_record import RunRecord

CHECKPOINT_SECONDS = 300
EMA_DECAY = 0.998
WARMUP_STEPS = 100
FINAL_RATE = 0.1
"""Share of the learning rate that is left at the end of a call."""

Precision = Literal["no", "bf16"]
Picture = Callable[[], np.ndarray]
"""Returns a picture of the stage's current results: RGB uint8 [H, W, 3]."""

_console = Console(stderr=True)


def _optimizers(modules: Iterable[nn.Module], rate: float) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside transformer blocks, AdamW for everything else."""
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for module in modules:
        for name, parameter in module.named_parameters():
            if parameter.requires_grad:
                inside = "blocks." in name and parameter.ndim == 2
                (matrices if inside else others).append(parameter)
    optimizers: list[torch.optim.Optimizer] = [torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.99), weight_decay=0.01)]
    if matrices:
        optimizers.append(torch.optim.Muon(matrices, lr=rate, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"))
    return optimizers


def learning_rate(step: int, share_done: float, final: float = FINAL_RATE) -> float:
    """Return the learning rate of a step, as a share of the highest rate. It rises linearly over WARMUP_STEPS and falls
    linearly to `final`. Steps are counted from 0 over all calls.

    share_done: share of the call that is over, in time or in steps. Diffusers' `get_scheduler` does not fit here: its
    schedules fall over a number of steps that is known in advance, and a call may end by the clock.
    """
    return (1 - (1 - final) * share_done) * min(1, (step + 1) / WARMUP_STEPS)


class _Loss(nn.Module):
    """A loss as a module that owns the modules that it trains, because Accelerate distributes modules over
    processes."""

    def __init__(self, modules: dict[str, nn.Module], loss_of: Callable[[dict], torch.Tensor]) -> None:
        super().__init__()
        self.trained = nn.ModuleDict(modules)
        self.loss_of = loss_of

    def forward(self, batch: dict) -> torch.Tensor:
        return self.loss_of(batch)


class TrainingRun:
    """Trains named modules by calling a loss, for a limited time. It continues from where the last run stopped.

    folder: holds `checkpoint.pt` (weights, averages, optimizer, steps and samples seen), `log.csv` (step, samples,
        loss, norm of the gradient, seconds, then what the stage measures), TensorBoard's files in `tensorboard`, and
        pictures as `samples/STEP.png`.
    rate, final_rate: the highest learning rate, and the share of it at the end of a call, see `learning_rate`.
    precision: of the arithmetic; weights and their averages are float32. accumulate: batches per step.

    Raises ValueError for a checkpoint of a version that averaged weights in its own way.
    """

    def __init__(
        self,
        folder: Path,
        modules: dict[str, nn.Module],
        rate: float,
        precision: Precision = "no",
        accumulate: int = 1,
        final_rate: float = FINAL_RATE,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.modules = modules
        self.rate, self.final_rate = rate, final_rate
        # Some parts of a module get no gradient in some steps, such as the head of a language model that is only read.
        unused = DistributedDataParallelKwargs(find_unused_parameters=True)
        self.accelerator = Accelerator(
            mixed_precision=precision, gradient_accumulation_steps=accumulate, kwargs_handlers=[unused]
        )
        for module in modules.values():
            module.to(self.accelerator.device)
        self.optimizers = _optimizers(modules.values(), rate)
        # The decay of step n is (1 + n) / (10 + n), at most EMA_DECAY.
        self.averages = {
            name: EMAModel(module.parameters(), EMA_DECAY, update_after_step=-1) for name, module in modules.items()
        }
        self.step = 0
        self.samples = 0
        self.record: RunRecord | None = None
        if self.checkpoint.exists():
            self._load()

    @property
    def checkpoint(self) -> Path:
        """The file from which the run resumes."""
        return self.folder / "checkpoint.pt"

    @property
    def log(self) -> Path:
        """The table of steps."""
        return self.folder / "log.csv"

    @property
    def progress(self) -> dict[str, int]:
        """Steps and samples so far."""
        return {"steps": self.step, "samples": self.samples}

    def _load(self) -> None:
        stored = torch.load(self.checkpoint, weights_only=True, map_location="cpu")
        for name, module in self.modules.items():
            module.load_state_dict(stored["modules"][name])
        for optimizer, state in zip(self.optimizers, stored["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        for name, average in self.averages.items():
            if "shadow_params" not in stored["averages"][name]:
                raise ValueError(
                    f"{self.checkpoint} was written by an earlier version, whose averages cannot be read. Delete "
                    f"{self.folder}: the stage then starts from the averaged weights that it wrote last."
                )
            average.load_state_dict(stored["averages"][name])
            average.to(self.accelerator.device)
        self.step, self.samples = stored["step"], stored["samples"]
        self._print(f"resumes after step {self.step}")

    def _print(self, text: str) -> None:
        if self.accelerator.is_main_process:
            _console.print(f"{self.folder.name}: {text}")

    def save(self) -> None:
        """Write the checkpoint. An interrupted write leaves the old checkpoint."""
        if not self.accelerator.is_main_process:
            return
        content = {
            "modules": {name: module.state_dict() for name, module in self.modules.items()},
            "averages": {name: average.state_dict() for name, average in self.averages.items()},
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "samples": self.samples,
        }
        with open_atomic(self.checkpoint) as file:
            torch.save(content, file)

    def load_averages(self) -> None:
        """Put the averaged weights into the modules."""
        for name, module in self.modules.items():
            self.averages[name].copy_to(module.parameters())

    def write(self, folder: Path) -> None:
        """Write the averaged weights to `folder`/NAME for each module, and the record, if there is one."""
        self.load_averages()
        if self.accelerator.is_main_process:
            for name, module in self.modules.items():
                module.save_pretrained(folder / name)
            if self.record is not None:
                self.record.write(self.progress)
        self.accelerator.wait_for_everyone()

    def train(
        self,
        batches: Iterator[dict],
        loss_of: Callable[[dict], torch.Tensor],
        minutes: float,
        steps: int | None = None,
        picture: Picture | None = None,
        picture_minutes: float = 10,
        measures: Mapping[str, float] | None = None,
        target: Path | None = None,
    ) -> None:
        """Train for `minutes`, or until `steps` have been done in all, whichever comes first.

        picture: called every `picture_minutes`, and at the end. A picture that the GPU's memory is too small for is
        left out. measures: numbers that the loss fills in, to be logged. target: where `write` writes at the end,
        before the last picture, which then shows what was written.
        Raises FloatingPointError when the gradient is no longer finite. The checkpoint is from before that step.
        """
        accelerator = self.accelerator
        set_seed(self.samples, device_specific=True)  # different noise in every process and in every call
        model = accelerator.prepare(_Loss(self.modules, loss_of))
        optimizers = [accelerator.prepare(optimizer) for optimizer in self.optimizers]
        parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        log = RunLog(self.folder, self.log, self.step) if accelerator.is_main_process else None
        started = saved = drawn = time.monotonic()
        first = self.step
        while (done := self._share_done(started, minutes, first, steps)) < 1:
            rate = self.rate * learning_rate(self.step, done, self.final_rate)
            for optimizer in self.optimizers:
                optimizer.param_groups[0]["lr"] = rate
            batch = send_to_device(next(batches), accelerator.device)
            with accelerator.accumulate(model):
                loss = model(batch)
                accelerator.backward(loss)
                if accelerator.sync_gradients:
                    norm = accelerator.clip_grad_norm_(parameters, 1.0)
                    if not torch.isfinite(norm):
                        raise FloatingPointError(
                            f"{self.folder.name}: the gradient of step {self.step + 1} is {norm.item()}. Call again to "
                            "continue from the checkpoint, with a lower --rate or --precision no."
                        )
                for optimizer in optimizers:
                    optimizer.step()
                    optimizer.zero_grad()
            self.samples += len(next(iter(batch.values()))) * accelerator.num_processes
            if not accelerator.sync_gradients:
                continue
            self.step += 1
            for name, module in self.modules.items():
                self.averages[name].step(module.parameters())
            loss = accelerator.reduce(loss.detach(), "mean").item()
            now = time.monotonic()
            if log:
                log.write(self.step, self.samples, loss, norm.item(), rate, now - started, measures or {})
                if self.step % 10 == 0:
                    self._print(f"step {self.step} samples {self.samples} loss {loss:.4f}")
                if picture and now - drawn > picture_minutes * 60:
                    self._show(log, picture)
                    drawn = time.monotonic()
            if now - saved > CHECKPOINT_SECONDS:
                if log:
                    log.flush()
                self.save()
                saved = time.monotonic()
        self.save()
        if target:
            self.write(target)
        if log:
            if picture:
                self._show(log, picture)
            log.close()

    def _share_done(self, started: float, minutes: float, first: int, steps: int | None) -> float:
        """Return the share of this call that is over. It is the same in every process."""
        share = (time.monotonic() - started) / (minutes * 60)
        if steps is not None:
            share = max(share, (self.step - first) / (steps - first) if steps > first else 1)
        return broadcast(torch.tensor(share, device=self.accelerator.device)).item()

    @torch.no_grad()
    def _show(self, log: RunLog, picture: Picture) -> None:
        try:
            with self.accelerator.autocast():
                drawn = picture()
        except torch.OutOfMemoryError:
            self._print(f"there is no picture of step {self.step}: it needs more GPU memory than training leaves")
            return
        log.show(self.step, drawn)
