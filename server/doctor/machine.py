# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the machine: its processor and GPUs, and whether films can be encoded."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence

import av
import psutil
import torch

from server.coloring.colorizer import Colorizer
from server.longanimation.placement import work_dtype
from server.presets.preset import Preset, available_presets

from .finding import Finding, fault, ok, warning

DRIVER_SECONDS = 30.0


def check_processor() -> Iterator[Finding]:
    """Report the processor's threads, the number types that it multiplies in hardware, and the main memory."""
    able = torch.cpu.get_capabilities()
    fast = [name for name, key in (("bfloat16", "avx512_bf16"), ("AMX", "amx_bf16")) if able.get(key)]
    dtype = str(work_dtype(torch.device("cpu"))).removeprefix("torch.")
    memory = psutil.virtual_memory()
    yield ok(
        "Processor",
        f"{torch.get_num_threads()} threads on {os.cpu_count()} cores, {' and '.join(fast) or 'no bfloat16'} in "
        f"hardware: works in {dtype}; {memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB of memory free",
    )


def check_devices(presets: Sequence[Preset] | None = None) -> Iterator[Finding]:
    """Report which GPUs torch can use, and which presets fit into their free memory."""
    needy = [preset for preset in (available_presets() if presets is None else presets) if preset.gpu]
    if not torch.cuda.is_available():
        names = ", ".join(preset.name for preset in needy)
        yield _without(_driver_sees(), names)
        return
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        title = f"{torch.cuda.get_device_name(index)}, {free / 1e9:.1f} of {total / 1e9:.1f} GB free"
        yield ok(f"GPU {index}", f"{title}, torch {torch.__version__}")
        for preset in needy:
            check = f"GPU {index}, {preset.name}"
            try:
                Colorizer.check_memory(preset, f"cuda:{index}")
            except ValueError as error:
                yield warning(check, f"does not fit: {error}", "See docs/memory.md for what each memory mode needs.")
            else:
                yield ok(check, "fits")


def _without(driver: str, needy: str) -> Finding:
    """Return the finding for a machine on which torch can use no GPU."""
    if driver and torch.version.cuda is None:
        return warning(
            "GPU",
            f"the driver shows {driver}, but this is a CPU build of torch ({torch.__version__})",
            "Run `python install.py server` here: it takes the CUDA build where `nvidia-smi -L` shows a GPU.",
        )
    if driver:
        return warning(
            "GPU",
            f"the driver shows {driver}, but torch {torch.__version__} cannot use it",
            f"Update the NVIDIA driver: this torch needs CUDA {torch.version.cuda}.",
        )
    if needy:
        return warning("GPU", f"none, but {needy} needs one", "Jobs for it wait until a machine with a GPU joins.")
    return ok("GPU", "none; the CPU works")


def _driver_sees() -> str:
    """Return the GPUs that NVIDIA's driver shows; empty without a driver."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    try:
        listed = subprocess.run([program, "-L"], capture_output=True, text=True, check=False, timeout=DRIVER_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ", ".join(line.partition(" (UUID")[0] for line in listed.stdout.splitlines() if line.startswith("GPU "))


def check_films() -> Iterator[Finding]:
    """Report whether frames can be encoded as a film."""
    try:
        av.codec.Codec("libx264", "w")
    except ValueError:
        remedy = "Install PyAV from its wheel: pip install --force-reinstall --only-binary av av."
        yield fault("Films", "PyAV has no H.264 encoder", remedy)
    else:
        yield ok("Films", f"PyAV {av.__version__} encodes H.264")
