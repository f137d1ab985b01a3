# SPDX-License-Identifier: GPL-3.0-or-later
"""The device of a worker: its kind, its free memory, and whether the queue's presets fit."""

import platform
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil
import torch

from server.coloring.colorizer import Colorizer
from server.config import ConfigError
from server.presets.preset import available_presets, gpus_per_worker
from server.storage.heartbeats import Device


@dataclass(frozen=True)
class WorkerDevice:
    """A device that one worker process computes on. name: its name in torch. kind: the class whose queue it serves."""

    name: str
    kind: str

    def probe(self) -> Device:
        """Return a description of the device, with the memory that is free now."""
        if self.kind == "cuda":
            free, total = torch.cuda.mem_get_info(self.name)
            return Device(self.kind, torch.cuda.get_device_name(self.name), total, free)
        memory = psutil.virtual_memory()
        return Device(self.kind, _processor(), memory.total, memory.available)


def find_device(kind: str, index: int, memory_mode: str) -> WorkerDevice:
    """Return the CPU or the first GPU of worker `index`, after checking that it can run every preset in its queue.
    Otherwise a job might fail an hour later because it went to the wrong device. Raises ConfigError."""
    if kind == "cpu":
        return WorkerDevice("cpu", kind)
    gpu = index * gpus_per_worker()
    if gpu >= torch.cuda.device_count():
        raise ConfigError(f"There is no GPU {gpu}: torch sees {torch.cuda.device_count()}. Choose --device cpu.")
    device = WorkerDevice(f"cuda:{gpu}", kind)
    for preset in available_presets():
        if preset.gpu:
            try:
                Colorizer.check_memory(preset, device.name, memory_mode)
            except ValueError as error:
                raise ConfigError(f"GPU {gpu} takes no jobs, because {preset.name} does not fit. {error}") from error
    return device


@cache
def _processor() -> str:
    """Return the product name of the processor. Python's own function returns it only on Windows and macOS."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
