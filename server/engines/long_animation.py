# SPDX-License-Identifier: GPL-3.0-or-later
"""LongAnimation as an engine (`server/longanimation/`)."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from server.longanimation import EXACT, SCHEDULES, LongAnimationPipeline, LongShot
from server.longanimation.footprint import Modules, Workload, skeleton
from server.longanimation.geometry import Geometry
from server.longanimation.long_shot import ColoredSegment, plan_shot
from server.longanimation.placement import ROUNDED_MODES, Plan, fit, load_pipeline
from server.longanimation.plan import Segment

from .engine import Sampling, StepCallback


class LongAnimationEngine:
    """A pipeline of LongAnimation."""

    def __init__(self, pipeline: LongAnimationPipeline) -> None:
        self.pipeline = pipeline
        self.multiple = pipeline.geometry.multiple
        self.arithmetic = pipeline.dtype, pipeline.memory_mode in ROUNDED_MODES

    @property
    def tiled(self) -> Collection[str]:
        """See `Engine`."""
        return self.pipeline.tiled

    def cut_prompt(self, prompt: str) -> tuple[str, str]:
        """See `Engine`."""
        return self.pipeline.cut_prompt(prompt)

    def plan(
        self,
        drawings: int,
        keyframes: Sequence[int],
        segment: int,
        holds: Sequence[int] | None = None,
        cuts: Collection[int] = (),
        corrections: Sequence[int] = (),
    ) -> tuple[Segment, ...]:
        """See `Engine`."""
        return plan_shot(self.pipeline, drawings, keyframes, segment, holds, cuts, corrections)

    def open(
        self,
        sketches: Sequence[torch.Tensor],
        references: Mapping[int, torch.Tensor],
        prompt: str,
        sampling: Sampling,
    ) -> "LongAnimationShot":
        """See `Engine`."""
        return LongAnimationShot(self.pipeline, sketches, references, prompt, sampling)


class LongAnimationShot:
    """A shot that LongAnimation colors."""

    def __init__(
        self,
        pipeline: LongAnimationPipeline,
        sketches: Sequence[torch.Tensor],
        references: Mapping[int, torch.Tensor],
        prompt: str,
        sampling: Sampling,
    ) -> None:
        self._steps = sampling.steps
        self._long_shot = LongShot(
            pipeline,
            sketches,
            references,
            prompt,
            seed=sampling.seed,
            segment=sampling.segment,
            ratio=sampling.memory_ratio,
            memory=sampling.memory,
            holds=sampling.holds,
            cuts=sampling.cuts,
            corrections=sampling.corrections,
            num_inference_steps=sampling.steps,
            guidance_scale=sampling.guidance,
            schedule=SCHEDULES.get(sampling.quality, EXACT),
            fusion_start=sampling.fusion_start,
        )
        self.segments = self._long_shot.segments
        self.remember = self._long_shot.remember

    def color(self, index: int, on_step: StepCallback | None, hints: torch.Tensor | None) -> ColoredSegment:
        """See `ShotModel`."""
        return self._long_shot.color(index, step_callback(on_step, self._steps), hints)


def step_callback(on_step: StepCallback | None, steps: int) -> Callable[..., dict[str, Any]] | None:
    """Turn a progress callback into one of a Diffusers pipeline."""
    if on_step is None:
        return None

    def callback(pipeline: Any, index: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        on_step(index + 1, steps)
        return tensors

    return callback


class LongAnimationLoader:
    """Loads pipelines of LongAnimation."""

    def load(self, folder: Path, device: torch.device, workload: Workload, mode: str) -> LongAnimationEngine:
        """See `EngineLoader`. Raises ValueError for segments that do not fill latents and patches."""
        _check_segment(skeleton(folder), workload)
        pipeline = load_pipeline(folder, device, workload, mode)
        pipeline.set_progress_bar_config(disable=True)
        return LongAnimationEngine(pipeline)

    def fit(self, folder: Path, device: torch.device, workload: Workload, mode: str) -> Plan:
        """See `EngineLoader`. Raises ValueError for segments that do not fill latents and patches."""
        modules = skeleton(folder)
        _check_segment(modules, workload)
        return fit(modules, device, workload, mode)


def _check_segment(modules: Modules, workload: Workload) -> None:
    Geometry.of(modules["vae"], modules["transformer"]).check_segment(workload.drawings)  # type: ignore[arg-type]
