# SPDX-License-Identifier: GPL-3.0-or-later
"""The placement of a pipeline's weights on the GPU or in main memory: the best mode that fits."""

import functools
import importlib.util
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil
import torch
from diffusers import PipelineQuantizationConfig, TorchAoConfig
from diffusers.hooks import apply_group_offloading, apply_layerwise_casting
from diffusers.hooks.layerwise_casting import DEFAULT_SKIP_MODULES_PATTERN
from diffusers.modular_pipelines.components_manager import AutoOffloadStrategy, custom_offload_with_hook
from torch import nn
from transformers import TorchAoConfig as TransformersTorchAoConfig

from .companions import Companions
from .context_parallel import ContextParallelError, check_heads
from .convert.components import weight_files
from .convert.parts import assign, same_name
from .denoiser import Denoiser
from .footprint import (
    CLASSES,
    EVERY_STEP,
    RESIDENT,
    STAGES,
    STREAMED,
    Footprint,
    Modules,
    Workload,
    footprint,
    skeleton,
)
from .latent_codec import fits_whole
from .pipeline import LongAnimationPipeline

EXACT_MODES = {
    "full": "everything stays on the GPU",
    "model": "what a stage needs is on the GPU, the rest in main memory",
    "group": "the GPU holds a layer at a time",
}
ROUNDED_MODES = {
    "int8": "as `model`, with the large modules' weights in 8-bit integers",
    "fp8": "as `group`, with the large modules' weights in 8-bit floats",
}
STREAMING_MODES = ("group", "fp8")
MODES = EXACT_MODES | ROUNDED_MODES
"""The memory modes, the fastest first; the exact ones give the same frames as `full`."""

NOT_CAST = (*DEFAULT_SKIP_MODULES_PATTERN, r"\.wo$", "relative_attention_bias")
"""Layers that are not changed in `fp8`: Diffusers' choice, T5's layers that cast their inputs to the type of their
weights, and its position biases, which every layer adds."""

T = TypeVar("T")

logger = logging.getLogger(__name__)


class MemoryModeError(ValueError):
    """A memory mode cannot be used here. The message says why, and which modes can be used."""


@dataclass(frozen=True)
class Plan:
    """A memory mode, whether the VAE works in tiles, the estimated memory that they need, and whether the weights that
    are streamed in every step are copied into page-locked memory once, at the start, instead of in every step."""

    mode: str
    tiling: bool
    needs: Footprint
    pinned: bool = False


def work_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where the device multiplies it in hardware; elsewhere that is far slower than float32."""
    if device.type == "cpu":
        fast = bool(torch.cpu.get_capabilities().get("avx512_bf16"))
    else:
        fast = torch.get_device_module(device).is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if fast else torch.float32


def load_pipeline(
    folder: Path, device: str | torch.device, workload: Workload, mode: str = "auto"
) -> LongAnimationPipeline:
    """Load a pipeline folder and place it.

    device: `cpu`, where all modes but `full` are refused, or a GPU. mode: one of MODES, or `auto`: what `choose` takes.
    If the workload is for several GPUs, companions are started on those after this one.
    Raises MemoryModeError, ContextParallelError, CompanionEnded, and what `check_weights` raises.
    """
    device = torch.device(device)
    if device.type != "cpu" and device.index is None:
        device = torch.device(device.type, 0)  # the hooks compare it with the device of the weights
    if mode not in ("auto", *MODES):
        raise MemoryModeError(f"The memory mode must be auto, {', '.join(MODES)}, not {mode!r}.")
    if mode == "int8" and not _has_torchao():
        raise MemoryModeError("The memory mode `int8` needs torchao: pip install torchao~=0.18.0, or choose `group`.")
    modules = skeleton(folder)
    check_weights(folder, modules)
    dtype = work_dtype(device)
    devices = shared_devices(modules, device, workload.context_parallel, mode)
    if device.type == "cpu":
        check_cpu_mode(mode)
        pipeline = load(folder, "full", dtype).to(device)
    else:
        plan = fit(modules, device, workload, mode)
        pipeline = load(folder, plan.mode, dtype)
        pipeline.memory_mode = plan.mode
        place(pipeline, plan.mode, device, plan.tiling, plan.pinned)
    if len(devices) > 1:
        pipeline.companions = Companions(functools.partial(load_denoiser, folder, pipeline.memory_mode, dtype), devices)
        pipeline.denoiser.take(pipeline.companions.share)
        pipeline.companions.start()
    return pipeline


def fit(modules: Modules, device: torch.device, workload: Workload, mode: str = "auto") -> Plan:
    """Return how to place a pipeline's modules in the memory that is free now on a GPU and in main memory; see
    `choose`. Of several GPUs, the one with the least free memory counts. Raises also ContextParallelError."""
    devices = shared_devices(modules, device, workload.context_parallel, mode)
    free = min((free_memory(each) for each in devices), key=lambda memory: memory.device)
    return choose(estimates(modules, workload, work_dtype(device)), free, mode)


def shared_devices(modules: Modules, device: torch.device, count: int, mode: str) -> list[torch.device]:
    """Return the devices that share the denoising: a GPU and those after it, or the CPU several times.

    Raises ContextParallelError when there are not as many, when they cannot share the model's heads, or for a mode that
    brings layers to a GPU one by one: it would need all layers in main memory once for each GPU.
    """
    if count == 1:
        return [device]
    for name in EVERY_STEP:
        check_heads(modules[name].config.num_attention_heads, count)  # type: ignore[union-attr, arg-type]
    if mode in STREAMING_MODES:
        raise ContextParallelError(
            f"The preset's `context_parallel` is {count}, and the memory mode `{mode}` is for one GPU: set it to 1, or "
            f"choose {', '.join(one for one in MODES if one not in STREAMING_MODES)}."
        )
    if device.type == "cpu":
        return [device] * count
    first, there = device.index or 0, torch.get_device_module(device).device_count()
    if first + count > there:
        raise ContextParallelError(
            f"The preset's `context_parallel` is {count}, so that a worker on GPU {first} needs GPUs {first} to "
            f"{first + count - 1}. There are {there}: set it to at most {there - first}."
        )
    return [torch.device(device.type, first + number) for number in range(count)]


def check_cpu_mode(mode: str) -> None:
    """Raise MemoryModeError for a mode that the CPU does not have."""
    if mode not in ("auto", "full"):
        raise MemoryModeError(f"The memory mode `{mode}` needs a GPU. On the CPU leave it at auto.")


def free_memory(device: torch.device) -> Footprint:
    """Return the bytes that are free now on a GPU and in main memory."""
    return Footprint(torch.get_device_module(device).mem_get_info(device)[0], psutil.virtual_memory().available)


def check_weights(folder: Path, modules: Modules) -> None:
    """Check that a pipeline folder holds each weight of its modules once and in its shape, and no other: Diffusers only
    warns and colors with random numbers. Raises ConversionError, which names the weight and its file."""
    for name, module in modules.items():
        assign(name, module, [(weight_files(folder / name), same_name)])


def estimates(modules: Modules, workload: Workload, dtype: torch.dtype) -> list[Plan]:
    """Return every way to place a pipeline's modules, the best first: exact before rounded, then whole pictures before
    tiles, then the fastest. `int8` is left out if torchao is missing, whole pictures if they are too large for the VAE,
    and what streams layers if several GPUs share the denoising."""
    return [
        Plan(mode, tiling, footprint(modules, workload, mode, dtype, tiling, pinned), pinned)
        for modes in (EXACT_MODES, ROUNDED_MODES)
        for tiling in (False, True)
        if tiling or fits_whole(modules["vae"], workload.pixels)  # type: ignore[arg-type]
        for mode in modes
        if mode != "int8" or _has_torchao()
        if mode not in STREAMING_MODES or workload.context_parallel == 1
        for pinned in ((True, False) if mode in STREAMING_MODES else (False,))
    ]


def choose(plans: list[Plan], free: Footprint, mode: str = "auto") -> Plan:
    """Return the first of `plans` that fits into the free memory, and log the choice and its reason.

    mode: return a plan of this mode. If none fits, return the one that needs least memory, with a warning.
    Raises MemoryModeError when none fits and the mode is `auto`.
    """
    allowed = [plan for plan in plans if mode in ("auto", plan.mode)]
    fitting = [plan for plan in allowed if plan.needs.device <= free.device and plan.needs.host <= free.host]
    have = f"{_gigabytes(free.device)} of GPU memory and {_gigabytes(free.host)} of main memory free"
    if not fitting and mode == "auto":
        raise MemoryModeError(
            f"{have}: too little for every memory mode. {'; '.join(map(_needs, _least_demanding(allowed).values()))}. "
            "Close other programs, or choose a preset for smaller pictures or shorter segments."
        )
    if fitting:
        plan = fitting[0]
        better = "" if plan is plans[0] or mode != "auto" else f"; {_needs(plans[0])}"
        logger.info("%s%s: using %s, %s.", have, better, _name(plan), _amounts(plan))
    else:
        plan = _least_demanding(allowed)[mode]
        logger.warning("%s, but %s: it may fail for want of memory.", have, _needs(plan))
    return plan


def load(folder: Path, mode: str, dtype: torch.dtype) -> LongAnimationPipeline:
    """Load a pipeline folder into main memory, with its weights in the form that `mode` needs."""
    arguments: dict[str, Any] = {}
    if mode == "int8":
        ours, theirs = _int8(TorchAoConfig), _int8(TransformersTorchAoConfig)
        mapping = {name: theirs if name == "text_encoder" else ours for name in STREAMED}
        arguments["quantization_config"] = PipelineQuantizationConfig(quant_mapping=mapping)
    elif mode == "fp8":
        # One after the other: together they would need their full size for a moment.
        for name in STREAMED:
            module = CLASSES[name].from_pretrained(folder, subfolder=name, dtype=dtype)
            apply_layerwise_casting(module, torch.float8_e4m3fn, dtype, NOT_CAST)
            arguments[name] = module
    return LongAnimationPipeline.from_pretrained(folder, dtype=dtype, **arguments)


def load_denoiser(folder: Path, mode: str, dtype: torch.dtype, device: torch.device) -> Denoiser:
    """Load onto a device what works in every step, with the weights that `load` gives it for a mode that does not
    stream layers."""
    modules = {}
    for name in STAGES["denoising"]:
        settings = {"quantization_config": _int8(TorchAoConfig)} if mode == "int8" and name in STREAMED else {}
        module = CLASSES[name].from_pretrained(folder, subfolder=name, dtype=dtype, **settings)
        modules[name] = module.eval().to(device)
    return Denoiser(**modules)


def place(pipeline: LongAnimationPipeline, mode: str, device: torch.device, tiling: bool, pinned: bool = False) -> None:
    """Place a pipeline that `load` loaded for `mode`. tiling, pinned: see `Plan`."""
    if tiling:
        pipeline.tiled = frozenset({"encode", "decode"})
    if mode == "full":
        pipeline.to(device)
    elif mode in ("model", "int8"):
        _place_by_stage(pipeline, device)
    else:
        for name in STREAMED:
            apply_group_offloading(
                getattr(pipeline, name),
                onload_device=device,
                offload_type="leaf_level",
                use_stream=device.type != "cpu",
                low_cpu_mem_usage=not (pinned and name in EVERY_STEP),
            )
        for name in RESIDENT:
            getattr(pipeline, name).to(device)


def _place_by_stage(pipeline: LongAnimationPipeline, device: torch.device) -> None:
    """Make each module move to the GPU when it is called, and the modules of other stages leave it.

    `enable_model_cpu_offload` does not fit. Its chain of single modules would move the denoising modules back and forth
    in every step. It also leaves a module on the GPU when the next one in the chain is not called.
    """
    hooks = [
        custom_offload_with_hook(name, getattr(pipeline, name), device, _ByStage())
        for names in STAGES.values()
        for name in names
    ]
    for hook in hooks:
        for other in hooks:
            if other is not hook:
                hook.add_other_hook(other)


class _ByStage(AutoOffloadStrategy):
    """A strategy for Diffusers' offloading: all modules of other stages leave the GPU."""

    def __call__(self, hooks: list[Any], model_id: str, model: nn.Module, execution_device: torch.device) -> list[Any]:
        together = next(names for names in STAGES.values() if model_id in names)
        return [hook for hook in hooks if hook.model_id not in together]


def _int8(kind: Callable[[Any], T]) -> T:
    """Return the configuration of 8-bit weights, Diffusers' or Transformers'."""
    from torchao.quantization import Int8WeightOnlyConfig

    return kind(Int8WeightOnlyConfig())


def _has_torchao() -> bool:
    return importlib.util.find_spec("torchao") is not None


def _least_demanding(plans: list[Plan]) -> dict[str, Plan]:
    """Return for each mode the plan that needs least GPU memory, and among these the least main memory."""
    return {plan.mode: plan for plan in sorted(plans, key=lambda plan: (-plan.needs.device, -plan.needs.host))}


def _name(plan: Plan) -> str:
    details = [text for holds, text in ((plan.tiling, "the VAE in tiles"), (plan.pinned, "pinned weights")) if holds]
    return f"`{plan.mode}`" + (f" with {' and '.join(details)}" if details else "")


def _amounts(plan: Plan) -> str:
    return f"{_gigabytes(plan.needs.device)} and {_gigabytes(plan.needs.host)}"


def _needs(plan: Plan) -> str:
    return f"{_name(plan)} needs {_amounts(plan)}"


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
