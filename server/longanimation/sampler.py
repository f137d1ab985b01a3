# SPDX-License-Identifier: GPL-3.0-or-later
"""The sampler: from pure noise to a segment's latents, step by step, with guidance and fusion (paper Fig. 2, §3.3)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import torch
from diffusers import CogVideoXDPMScheduler

from .conditions import Conditions
from .denoiser import Denoiser
from .fusion import FUSED_LATENTS, color_consistency_fusion
from .sampling_schedule import EXACT, SamplingSchedule, forecast_clean
from .solver import solve_step

NoiseSource = Callable[[int], torch.Tensor]
"""Returns the noise of a step, given its index."""

StepHook = Callable[[int, int, torch.Tensor], torch.Tensor]
"""Called with index, timestep and latents after each step. Returns the latents to continue with."""


class NonFiniteLatents(ArithmeticError):
    """The latents have become NaN or infinite. The message says in which step, and what to try."""


@dataclass
class Sampler:
    """Samples one segment. It keeps results that later steps reuse, so each segment needs its own sampler.

    conditions: of the segment. negative: text features [B, L, D] of the negative prompt; None samples without guidance.
    steps: denoising steps in all, to which the scheduler must be set.
    """

    denoiser: Denoiser
    scheduler: CogVideoXDPMScheduler
    conditions: Conditions
    negative: torch.Tensor | None
    guidance_scale: float
    steps: int
    schedule: SamplingSchedule = EXACT
    _known: list[tuple[int, torch.Tensor]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._guided: Conditions | None = None
        if self.negative is not None:
            given = self.conditions
            sketch, image = (part.repeat(2, 1, 1, 1, 1) for part in (given.sketch, given.image))
            self._guided = replace(given, text=torch.cat([self.negative, given.text]), sketch=sketch, image=image)

    def velocity(self, index: int, timestep: int, latents: torch.Tensor) -> torch.Tensor:
        """Return v of step `index` for latents [B, F, C, h, w], guided, in float32. Call it for the steps in order."""
        alpha = self.scheduler.alphas_cumprod[timestep]
        signal, noise = alpha**0.5, (1 - alpha) ** 0.5
        if not self.schedule.runs_model(index, self.steps):
            return (signal * latents - forecast_clean(self._known, timestep)) / noise
        velocity = self._predict(index, timestep, latents)
        self._known = [*self._known[-1:], (timestep, signal * latents - noise * velocity)]
        return velocity

    def _predict(self, index: int, timestep: int, latents: torch.Tensor) -> torch.Tensor:
        guided = self._guided if self.schedule.guides(index, self.steps) else None
        given = self.conditions if guided is None else guided
        noisy = latents if guided is None else latents.repeat(2, 1, 1, 1, 1)
        timesteps = torch.full((len(noisy),), timestep, device=latents.device)
        with self.denoiser.transformer.cache_context("cond" if guided is None else "cond_uncond"):
            velocity = self.denoiser.predict(noisy, timesteps, given)
        if guided is None:
            return velocity
        unconditional, conditional = velocity.chunk(2)
        return unconditional + self.guidance_scale * (conditional - unconditional)

    def sample(
        self,
        latents: torch.Tensor,
        noise: NoiseSource,
        previous_tail: torch.Tensor | None,
        fusion_start: float,
        progress: Callable[[list[int]], Iterable[int]],
        on_step: StepHook | None,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Denoise latents [B, F, C, h, w]; return the clean ones, and the tail (see `SegmentOutput`).

        previous_tail, fusion_start: see `LongAnimationPipeline.__call__`. progress: wraps the timesteps.
        Raises NonFiniteLatents.
        """
        first_fused = round(fusion_start * self.steps)
        clean, timestep_before = None, None
        tail: list[torch.Tensor] = []
        with self.schedule.applied(self.denoiser.transformer):
            for index, timestep in enumerate(progress(self.scheduler.timesteps.tolist())):
                velocity = self.velocity(index, timestep, latents)
                mean, deviation, clean = solve_step(self.scheduler, velocity, clean, timestep, timestep_before, latents)
                latents = (mean + deviation * noise(index)).to(latents.dtype)
                timestep_before = timestep
                self._check(latents, index)
                if index >= first_fused:
                    if previous_tail is not None:
                        latents = color_consistency_fusion(latents, previous_tail[index - first_fused].to(latents))
                    tail.append(latents[:, -FUSED_LATENTS:])
                if on_step is not None:
                    latents = on_step(index, timestep, latents)
        has_tail = bool(tail) and latents.shape[1] > FUSED_LATENTS + 1
        return latents, torch.stack(tail) if has_tail else None

    def _check(self, latents: torch.Tensor, index: int) -> None:
        if not torch.isfinite(latents).all():
            raise NonFiniteLatents(
                f"The latents became NaN or infinite in step {index + 1} of {self.steps}: the weights are damaged, or "
                f"{latents.dtype} is too narrow for them. Try float32, or convert the weights again."
            )
