# SPDX-License-Identifier: GPL-3.0-or-later
"""The velocity of a segment's latents, step by step: control, memory and guidance (paper Fig. 2), as far as the chosen
schedule runs them."""

from dataclasses import dataclass, field

import torch
from diffusers import CogVideoXDPMScheduler

from .memory import DynamicGlobalLocalMemory, MappedMemory
from .sampling_schedule import SamplingSchedule, forecast_clean
from .sketch_dit import SketchDiT
from .transformer import LongAnimationTransformer3DModel, RotaryEmbedding


@dataclass
class Denoiser:
    """The networks with what a segment gives them; for one run, since it keeps what later steps take over.

    text: [B, L, D]; under guidance [2B, L, D], the negative prompt's half first.
    sketch, image: their latents, [B, F, C, h, w]; the reference is at frame 0.
    memory: what DGLM reads, from `map_memory`; None in the first segment, and where there is no DGLM.
    guidance_scale: 1 leaves the negative prompt out.
    steps: denoising steps in all.
    """

    sketch_dit: SketchDiT
    dynamic_memory: DynamicGlobalLocalMemory | None
    transformer: LongAnimationTransformer3DModel
    scheduler: CogVideoXDPMScheduler
    text: torch.Tensor
    sketch: torch.Tensor
    image: torch.Tensor
    memory: MappedMemory | None
    rotary: RotaryEmbedding
    ofs: torch.Tensor
    guidance_scale: float
    steps: int
    schedule: SamplingSchedule
    _known: list[tuple[int, torch.Tensor]] = field(default_factory=list, init=False)

    def velocity(self, index: int, timestep: int, latents: torch.Tensor) -> torch.Tensor:
        """Return v of step `index` for latents [B, F, C, h, w], guided, in float32. Steps are asked for in order."""
        alpha = self.scheduler.alphas_cumprod[timestep]
        signal, noise = alpha**0.5, (1 - alpha) ** 0.5
        if not self.schedule.runs_model(index, self.steps):
            return (signal * latents - forecast_clean(self._known, timestep)) / noise
        velocity = self._predict(index, timestep, latents)
        self._known = [*self._known[-1:], (timestep, signal * latents - noise * velocity)]
        return velocity

    def _predict(self, index: int, timestep: int, latents: torch.Tensor) -> torch.Tensor:
        guided = self.guidance_scale != 1.0 and self.schedule.guides(index, self.steps)
        copies = 2 if guided else 1
        text = self.text[-copies * len(latents) :]
        sketch, image, noisy = (part.repeat(copies, 1, 1, 1, 1) for part in (self.sketch, self.image, latents))
        times = torch.full((len(text),), timestep, device=latents.device)

        control = self.sketch_dit(torch.cat([sketch, image], dim=2), text, times, self.ofs, self.rotary)
        if self.memory is not None:
            control = control + self.dynamic_memory.attend(self.memory, control)  # type: ignore[union-attr]
        with self.transformer.cache_context("cond_uncond" if guided else "cond"):
            (velocity,) = self.transformer(
                torch.cat([noisy, image], dim=2), text, times, self.ofs, self.rotary, control, return_dict=False
            )
        velocity = velocity.float()
        if not guided:
            return velocity
        unconditional, conditional = velocity.chunk(2)
        return unconditional + self.guidance_scale * (conditional - unconditional)
