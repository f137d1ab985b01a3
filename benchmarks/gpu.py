# SPDX-License-Identifier: GPL-3.0-or-later
"""What the published stack costs on a GPU, with random weights at its real size: seconds of each part, its peak memory
compared with the estimate of `server/longanimation/footprint.py`, and its arithmetic compared with what the GPU can do.

It needs no network. With its defaults, it takes at most 8 minutes on an H200. A part that fails is reported and does
not end the run. On a machine without a GPU, use --tiny: a stack of small width, on the CPU.

--mode: how the weights are kept, see docs/memory.md. --size: height of the drawings, 16:9. --drawings: of a segment.
--steps: denoising steps of the whole segment. --frames: finished frames that Video-XL remembers. --golden: folder of a
golden case of the pipeline, to compare its frames in bfloat16 with those in float32. --json: write the line to this
file, too.
"""

import argparse
import json
import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import CogVideoXDPMScheduler
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from server.coloring.colorizer import Colorizer
from server.coloring.shot import Shot
from server.longanimation import LongAnimationPipeline
from server.longanimation.conditions import Conditions
from server.longanimation.denoiser import Denoiser
from server.longanimation.footprint import Workload, activation_bytes, memory_bytes
from server.longanimation.placement import MODES, fit, place, work_dtype
from server.longanimation.published import PROMPT_SUFFIX, SCHEDULER, published_modules
from server.longanimation.rotary import rotary_embedding
from server.longanimation.tiny import tiny_tokenizer, tiny_video_tokenizer
from server.training.cartoon import draw_clip

from .golden_case import golden_frames
from .measure import print_json_line, progress
from .speed import psnr
from .stack import random_pipeline

SIZES = {"size": 576, "drawings": 81, "steps": 50, "frames": 650}
TINY = {"size": 96, "drawings": 17, "steps": 4, "frames": 40}
QUICK = {"size": 48, "drawings": 9, "steps": 1, "frames": 8}


class Machine:
    """The device, and what is measured on it."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.is_gpu = device.type != "cpu"
        self._module: Any = torch.get_device_module(device)

    def peak(self) -> int:
        """The most bytes that tensors took since `measure` began."""
        return self._module.max_memory_allocated()

    def measure(self, call: Callable[[], Any], repeats: int = 1) -> dict[str, float]:
        """Return the seconds of a call, the mean of `repeats`, and on a GPU its peak memory in bytes."""
        self._wait()
        if self.is_gpu:
            self._module.reset_peak_memory_stats()
        start = time.perf_counter()
        for _ in range(repeats):
            call()
        self._wait()
        found = {"seconds": (time.perf_counter() - start) / repeats}
        return found | {"peak": float(self.peak())} if self.is_gpu else found

    def matmul_rate(self, dtype: torch.dtype) -> float:
        """Return the operations a second of a large product of matrices."""
        side = 8192 if self.is_gpu else 512
        one = torch.randn(side, side, device=self.device, dtype=dtype)
        one @ one
        return 2 * side**3 / self.measure(lambda: one @ one, 10)["seconds"]

    def _wait(self) -> None:
        if self.is_gpu:
            self._module.synchronize()


def real_size_pipeline(device: torch.device, dtype: torch.dtype, mode: str) -> LongAnimationPipeline:
    """Return the published stack with random weights: on the device in the mode `full`, otherwise in main memory."""
    modules = published_modules()
    for name, module in modules.items():
        progress(f"random weights of {name}")
        _fill(module.to(dtype), device, device if mode == "full" else torch.device("cpu"))
    pipeline = LongAnimationPipeline(
        tokenizer=tiny_tokenizer(),
        video_tokenizer=tiny_video_tokenizer(),
        scheduler=CogVideoXDPMScheduler(**SCHEDULER),
        prompt_suffix=PROMPT_SUFFIX,
        **modules,  # type: ignore[arg-type]
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@torch.no_grad()
def _fill(module: nn.Module, source: torch.device, target: torch.device) -> None:
    """Replace weights on the meta device by random numbers, which `source` draws; norms begin as usual."""
    module.to_empty(device=target).eval()
    for name, weight in module.named_parameters():
        if weight.ndim > 1:
            weight.copy_(torch.empty_like(weight, device=source).normal_(std=0.02))
        else:
            weight.fill_(1 if name.endswith("weight") else 0)
    for name, buffer in module.named_buffers():
        if not name.endswith("position_ids"):
            raise NotImplementedError(f"{name} is not a position, so its value is unknown here.")
        buffer.copy_(torch.arange(buffer.numel()).view_as(buffer))


class Parts:
    """The parts of the benchmark, each a method that returns its figures."""

    def __init__(
        self, machine: Machine, pipeline: LongAnimationPipeline, sizes: argparse.Namespace, rate: float
    ) -> None:
        self.machine, self.pipeline, self.sizes, self.rate = machine, pipeline, sizes, rate
        height, width = sizes.size, sizes.size * 16 // 9 // 16 * 16
        self.count = pipeline.geometry.segment_length(sizes.drawings)
        self.images = torch.rand(2 + self.count, 3, height, width) * 2 - 1
        self.workload = Workload(height * width, self.count)
        self.dtype = pipeline.transformer.dtype
        self.estimates = activation_bytes(pipeline.components, self.workload, self.dtype, tiling=False)
        self.weights = machine.peak() if machine.is_gpu else 0
        self.memory: Any = None

    def text(self) -> dict[str, float]:
        """The prompt and the negative prompt."""
        return self._stage("text_encoder", lambda: [self.pipeline.encode_prompt(text) for text in ("a fox", "")])

    def vae_encode(self) -> dict[str, float]:
        """The sketches of a segment."""
        return self._stage("vae", lambda: self.pipeline.encode_sketches(self.images[1], self.images[2:]))

    def vae_decode(self) -> dict[str, float]:
        """The frames of a segment."""
        latents = self._latents()
        return self._stage("vae", lambda: self.pipeline.decode_video(latents[:, 1:]))

    def video_xl(self) -> dict[str, float]:
        """The growth of the memory: all frames, and then as many as fit into one pass once it is full."""
        frames = torch.rand(1, 3, *self.images.shape[-2:]).expand(self.sizes.frames, -1, -1, -1)
        memories: list[Any] = []
        grown = self._stage("video_xl", lambda: memories.append(self.pipeline.remember(None, frames)))
        (memory,) = memories
        more = self.machine.measure(lambda: self.pipeline.remember(memory, frames[:16]))
        self.memory = self.pipeline.map_memory([memory], [memory])
        held = memory_bytes(self.pipeline.components, self.workload, self.dtype)
        return grown | {"seconds_a_frame_when_full": more["seconds"] / len(frames[:16]), "full_memory": float(held)}

    def step(self) -> dict[str, Any]:
        """A guided denoising step: all of it, without DGLM, and the transformer alone."""
        pipeline, latents = self.pipeline, self._latents().repeat(2, 1, 1, 1, 1)
        text = pipeline.encode_prompt("a fox").to(latents).expand(2, -1, -1)
        rotary = rotary_embedding(pipeline.transformer, latents.shape[1], *latents.shape[3:])
        given = Conditions(text, latents, latents, rotary, self.memory)
        times = torch.full((2,), 500, device=self.machine.device)
        both = torch.cat([latents, latents], dim=2)
        offset = torch.full((1,), 2.0, device=latents.device, dtype=latents.dtype)
        denoiser = Denoiser(pipeline.sketch_dit, pipeline.dynamic_memory, pipeline.transformer)
        without = Conditions(text, latents, latents, rotary)
        calls: dict[str, Callable[[], Any]] = {
            "whole": lambda: denoiser.predict(latents, times, given),
            "without_memory": lambda: denoiser.predict(latents, times, without),
            "transformer": lambda: pipeline.transformer(both, text, times, offset, rotary),
        }
        found: dict[str, Any] = {}
        for name, call in calls.items():
            with FlopCounterMode(display=False) as counter, torch.no_grad():
                call()  # the first call also warms up
            with torch.no_grad():
                measured = self._stage("denoising", call, repeats=2)
            rate = counter.get_total_flops() / measured["seconds"]
            found[name] = measured | {"teraflop": counter.get_total_flops() / 1e12, "share_of_matmul": rate / self.rate}
        return found

    def segment(self) -> dict[str, float]:
        """A whole segment with memory and guidance, from pictures to frames."""
        reference, sketch, sketches = self.images[:1], self.images[1], self.images[2:]
        found = self.machine.measure(
            lambda: self.pipeline(
                reference, sketch, sketches, prompt="a fox", num_inference_steps=self.sizes.steps, memory=self.memory
            )
        )
        if "peak" in found and not self.sizes.tiny:
            found["peak_over_estimate"] = found["peak"] / self.sizes.estimate
        return found

    def _latents(self) -> torch.Tensor:
        geometry = self.pipeline.geometry
        height, width = (side // geometry.spatial for side in self.images.shape[-2:])
        latents = 2 + (self.count - 1) // geometry.temporal
        return torch.randn(1, latents, geometry.channels, height, width, device=self.machine.device, dtype=self.dtype)

    def _stage(self, stage: str, call: Callable[[], Any], repeats: int = 1) -> dict[str, float]:
        """Measure a call, and compare its peak with what lies on the GPU and the estimate of its stage."""
        with torch.no_grad():
            found = self.machine.measure(call, repeats)
        if "peak" in found and self.sizes.mode == "full":
            found["activations_over_estimate"] = (found["peak"] - self.weights) / self.estimates[stage]
        return found


def color_tiny(machine: Machine, drawings: int, height: int) -> dict[str, float]:
    """Color a cartoon with the preset `tiny`. Returns seconds a drawing by quality; `preview` is the matcher alone."""
    colorizer = Colorizer.from_preset("tiny", str(machine.device))
    clip = draw_clip(seed=1, drawings=drawings, width=height * 16 // 9, height=height)
    painted = {0: clip.colors[clip.labels[0]].round().astype(np.uint8)}
    found = {}
    for quality in ("preview", "final"):
        coloring = colorizer.open(Shot(list(clip.line_art), painted, quality=quality))  # type: ignore[arg-type]
        seconds = sum(
            machine.measure(partial(coloring.color, index))["seconds"] for index in range(len(coloring.segments))
        )
        found[quality] = seconds / drawings
    return found


def compare_golden(machine: Machine, folder: Path) -> dict[str, float]:
    """Compare frames of a golden case: bfloat16 on the device with float32 on the device and on the CPU."""
    exact = golden_frames(folder, torch.device("cpu"), torch.float32)
    full = golden_frames(folder, machine.device, torch.float32)
    half = golden_frames(folder, machine.device, torch.bfloat16)
    return {
        "float32_largest_difference": (full - exact).abs().max().item(),
        "bfloat16_psnr": min(psnr(half, exact), 99.0),
    }


def read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true", help="a stack of small width, on a GPU or on the CPU")
    parser.add_argument("--quick", action="store_true", help="--tiny at sizes that end within seconds")
    parser.add_argument("--mode", choices=("auto", *MODES), default="auto", help="memory mode (default: auto)")
    for name, value in SIZES.items():
        parser.add_argument(f"--{name}", type=int, help=f"default: {value}; with --tiny {TINY[name]}")
    parser.add_argument("--golden", type=Path, help="folder of a golden case")
    parser.add_argument("--json", type=Path, help="file for the result")
    given = parser.parse_args(arguments)
    given.tiny = given.tiny or given.quick
    for name, value in (QUICK if given.quick else TINY if given.tiny else SIZES).items():
        setattr(given, name, getattr(given, name) or value)
    if not given.tiny and not torch.accelerator.is_available():
        parser.error("There is no GPU here. Use --tiny for a stack of small width on the CPU.")
    return given


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    sizes = read_arguments(arguments)
    machine = Machine(torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu"))
    dtype = torch.bfloat16 if machine.is_gpu else work_dtype(machine.device)
    result: dict[str, Any] = {"torch": torch.__version__, "dtype": str(dtype)}
    rate = machine.matmul_rate(dtype)
    result["matmul_teraflops"] = rate / 1e12
    if sizes.tiny:
        sizes.mode = "full"
        pipeline = random_pipeline().to(machine.device, dtype)
    else:
        result["device"] = torch.get_device_module(machine.device).get_device_name()
        workload = Workload(sizes.size * sizes.size * 16 // 9, sizes.drawings)
        plan = fit(published_modules(), machine.device, workload, sizes.mode)
        sizes.mode = plan.mode
        sizes.estimate = float(plan.needs.device)
        result |= {"tiling": str(plan.tiling), "estimate": sizes.estimate}
        start = time.perf_counter()
        pipeline = real_size_pipeline(machine.device, dtype, plan.mode)
        place(pipeline, plan.mode, machine.device, plan.tiling, plan.pinned)
        result["filling_seconds"] = time.perf_counter() - start
    parts = Parts(machine, pipeline, sizes, rate)
    height = min(sizes.size, 360)
    calls: dict[str, Callable[[], Any]] = {
        **{name: getattr(parts, name) for name in ("text", "vae_encode", "vae_decode", "video_xl", "step", "segment")},
        "tiny_seconds_a_drawing": lambda: color_tiny(machine, min(sizes.drawings, 24), height),
    }
    if sizes.golden:
        calls["golden"] = lambda: compare_golden(machine, sizes.golden)
    for name, call in calls.items():
        progress(name)
        try:
            result[name] = call()
        except Exception as error:  # a run on a lent machine should bring back everything else
            traceback.print_exc()
            result[name] = {"error": f"{type(error).__name__}: {error}"[:300]}
        progress(json.dumps(result[name]))
    line = {
        "benchmark": "gpu",
        "size": sizes.size,
        "drawings": sizes.drawings,
        "steps": sizes.steps,
        "mode": sizes.mode,
    }
    print_json_line(**line, **result)
    if sizes.json:
        sizes.json.write_text(json.dumps(line | result, indent=1), encoding="utf-8")
    if failed := [name for name, found in result.items() if isinstance(found, dict) and "error" in found]:
        raise SystemExit(f"These parts failed: {', '.join(failed)}.")


if __name__ == "__main__":
    main()
