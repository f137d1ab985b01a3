# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of stages that train parts of the denoiser: conditions, loss (Eq. 1, as v-prediction) and samples."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from server.longanimation import LongAnimationPipeline
from server.longanimation.conditions import Conditions
from server.longanimation.denoiser import Denoiser
from server.longanimation.rotary import rotary_embedding
from server.longanimation.sketch import to_sketch_signal
from server.longanimation.solver import solve_step

from ..hints import Hints
from ..sample_grid import lines_to_images, sample_grid, to_images
from ..samples import SampleShape, sample_batches, sample_drawer, shown_batch, to_signal
from ..sharding import shard
from ..stage import Settings

FULL_NOISE_SHARE = 0.7
"""Share of the tiny stack's samples at the last timestep, from which a few sampling steps start. The line art and the
reference nearly determine the answer there."""
WHOLE = ("vae",)
"""Modules that are never sharded: the autoencoder is small, and is not called as a whole."""
SHOWN_STEPS, SHOWN_STEPS_ON_BASE = 2, 20
"""The number of sampling steps for pictures."""


@dataclass(frozen=True)
class SampledStep:
    """One step of sampling: at `timestep`, `latents` became `drawn`. All latents are [B, F, C, h, w].

    timestep_before, clean_before: timestep and clean latents of the step before, None in the first.
    """

    timestep: int
    timestep_before: int | None
    clean_before: torch.Tensor | None
    latents: torch.Tensor
    drawn: torch.Tensor


@dataclass(frozen=True)
class Guidance:
    """Classifier-free guidance, as at inference. negative: text features [B, L, D] of the empty negative prompt."""

    scale: float
    negative: torch.Tensor


class DenoisingStage:
    """A stage that trains parts of the denoiser: it turns a batch into conditions, velocities and samples.

    learned: names of the modules that are trained. few_steps: train for sampling in few steps, as the tiny stack does.
    sharded: keep only a part of the frozen modules in each process. Raises ValueError when the shape does not fit the
    model.
    """

    def __init__(
        self,
        pipeline: LongAnimationPipeline,
        learned: tuple[str, ...],
        shape: SampleShape,
        hints: Hints | None,
        few_steps: bool,
        recompute: bool,
        sharded: bool,
    ) -> None:
        _check_shape(pipeline, shape)
        self.pipeline = pipeline
        self.modules: dict[str, nn.Module] = {
            name: getattr(pipeline, name).float().requires_grad_(True) for name in learned
        }
        self.measures: dict[str, float] = {}
        self.few_steps = few_steps
        self.recompute, self.sharded = recompute, sharded
        self.draw = sample_drawer(shape, hints)
        if recompute:
            pipeline.transformer.enable_gradient_checkpointing()
            pipeline.sketch_dit.enable_gradient_checkpointing()
        self.denoiser = Denoiser(pipeline.sketch_dit, pipeline.dynamic_memory, pipeline.transformer)
        alphas = pipeline.scheduler.alphas_cumprod.float()
        self.signal_rate, self.noise_rate = alphas.sqrt(), (1 - alphas).sqrt()

    def to(self, device: torch.device) -> None:
        """See `Stage`. The modules move one by one, so that shards make room for the next."""
        for name, module in self.pipeline.components.items():
            if isinstance(module, nn.Module):
                module.to(device)
                if self.sharded and name not in (*self.modules, *WHOLE):
                    shard(module, device)

    def batches(self, settings: Settings, first: int) -> Iterator[dict]:
        """See `Stage`."""
        return sample_batches(self.draw, settings, first)

    def encode(self, signal: torch.Tensor) -> torch.Tensor:
        """Encode [B, 1 + T, 3, H, W] into scaled latents [B, F, C, h, w]. Drawing 0, the reference, is encoded
        separately."""
        return self.pipeline.encode_segment(signal, None)

    def conditions(self, batch: dict) -> Conditions:
        """Encode the conditions of a batch."""
        pipeline = self.pipeline
        sketch = self.encode(to_sketch_signal(batch["line_art"]))
        references, hints = to_signal(batch["color"][:, :1])[:, 0], None
        if "hint" in batch:
            hints = to_signal(batch["hint"])
        image = pipeline.encode_references(references, sketch.shape[1], None, hints).float()
        if "hint" in batch:
            image[~batch["hinted"], 1:] = 0
        suffix = pipeline.config.prompt_suffix
        told = zip(batch["prompt"], batch["wordless"], strict=True)
        text = pipeline.text_features(
            ["" if wordless else pipeline.cut_prompt(prompt)[0] + suffix for prompt, wordless in told]
        )
        return Conditions(
            text, sketch, image, rotary_embedding(pipeline.transformer, sketch.shape[1], *sketch.shape[3:])
        )

    def predict(self, noisy: torch.Tensor, timestep: torch.Tensor, given: Conditions) -> torch.Tensor:
        """Predict v of latents [B, F, C, h, w] at timesteps [B]."""
        return self.denoiser.predict(noisy, timestep, given)

    def draw_timesteps(self, count: int) -> torch.Tensor:
        """Draw timesteps [count]. They are uniform, or biased to high noise for few steps: their density grows
        linearly, and a share is at full noise."""
        if not self.few_steps:
            return torch.randint(1000, (count,))
        steps = (1000 * torch.rand(count).sqrt()).long().clamp(max=999)
        steps[torch.rand(count) < FULL_NOISE_SHARE] = 999
        return steps

    def loss(self, batch: dict) -> torch.Tensor:
        """Mean squared error of v over reference and segment."""
        given = self.conditions(batch)
        color = self.encode(to_signal(batch["color"]))
        timestep = self.draw_timesteps(len(color))
        signal_rate, noise_rate = (
            rate[timestep].view(-1, 1, 1, 1, 1).to(color.device) for rate in (self.signal_rate, self.noise_rate)
        )
        noise = torch.randn_like(color)
        velocity = self.predict(signal_rate * color + noise_rate * noise, timestep.to(color.device), given)
        return F.mse_loss(velocity, signal_rate * noise - noise_rate * color)

    @torch.no_grad()
    def sample(
        self,
        given: Conditions,
        steps: int,
        generator: torch.Generator | None = None,
        guidance: Guidance | None = None,
        kept: Collection[int] = (),
    ) -> list[SampledStep]:
        """Sample latents from noise. Return the steps with the indices `kept`, in order, and the last step, whose
        `drawn` is clean."""
        scheduler = self.pipeline.scheduler
        scheduler.set_timesteps(steps)
        sampled: list[SampledStep] = []
        latents, clean, before = self._noise(given, generator), None, None
        for index, timestep in enumerate(scheduler.timesteps.tolist()):
            mean, deviation, found = self.step(timestep, before, clean, latents, given, guidance)
            drawn = mean + deviation * self._noise(given, generator)
            if index in kept or index == steps - 1:
                sampled.append(SampledStep(timestep, before, clean, latents, drawn))
            latents, clean, before = drawn, found, timestep
        return sampled

    def step(
        self,
        timestep: int,
        before: int | None,
        clean: torch.Tensor | None,
        latents: torch.Tensor,
        given: Conditions,
        guidance: Guidance | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Mean, deviation and clean latents of one denoising step, see `solve_step`."""
        timesteps = torch.full((len(latents),), timestep, device=latents.device)
        velocity = self._velocity(latents, timesteps, given)
        if guidance is not None:
            without = self._velocity(latents, timesteps, replace(given, text=guidance.negative))
            velocity = without + guidance.scale * (velocity - without)
        return solve_step(self.pipeline.scheduler, velocity, clean, timestep, before, latents)

    def _velocity(self, latents: torch.Tensor, timesteps: torch.Tensor, given: Conditions) -> torch.Tensor:
        """Predict v. If activations are computed twice, none are kept: several predictions share one loss."""
        if self.recompute and torch.is_grad_enabled():
            return checkpoint(self.predict, latents, timesteps, given, use_reentrant=False)
        return self.predict(latents, timesteps, given)

    @staticmethod
    def _noise(given: Conditions, generator: torch.Generator | None) -> torch.Tensor:
        return torch.randn(given.sketch.shape, generator=generator).to(given.sketch.device)

    def picture(self) -> np.ndarray:
        """Return line art, hints, the stage's result and the truth, with the reference on the left."""
        batch = shown_batch(self.draw, 2)
        device = self.pipeline.transformer.device
        moved = {key: value.to(device) if torch.is_tensor(value) else value for key, value in batch.items()}
        steps = SHOWN_STEPS if self.few_steps else SHOWN_STEPS_ON_BASE
        latents = self.sample(self.conditions(moved), steps, torch.Generator().manual_seed(0))[-1].drawn[:, 1:]
        groups = []
        for index, video in enumerate(self.pipeline.decode_video(latents)):
            color = batch["color"][index].numpy()
            rows = [lines_to_images(batch["line_art"][index])]
            if "hint" in batch and batch["hinted"][index]:
                rows.append(np.concatenate([color[:1], batch["hint"][index].numpy()]))
            rows += [np.concatenate([color[:1], to_images(video * 2 - 1)]), color]
            groups.append(rows)
        return sample_grid(groups)


def _check_shape(pipeline: LongAnimationPipeline, shape: SampleShape) -> None:
    geometry = pipeline.geometry
    if (fitting := geometry.segment_length(shape.drawings)) != shape.drawings:
        raise ValueError(f"--drawings {shape.drawings} does not fill this model's latents: use {fitting}.")
    if shape.height % geometry.multiple or shape.width % geometry.multiple:
        raise ValueError(
            f"--size {shape.width}x{shape.height} does not fit this model: use multiples of {geometry.multiple}."
        )
