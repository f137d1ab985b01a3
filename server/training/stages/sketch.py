# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage `sketch`: SketchDiT learns to steer the denoiser (§3.2.1, §4.1), on the paper's loss (Eq. 1, as v-prediction).

On a base it is trained as in the paper: alone, from the base's first blocks, the rest frozen. There is no small
CogVideoX to freeze, so the tiny stack learns denoiser, SketchDiT and text encoder together.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from server.longanimation import LongAnimationPipeline
from server.longanimation.pipeline import OFS
from server.longanimation.rotary import rotary_embedding
from server.longanimation.solver import solve_step

from ..hints import Hints, find_matcher
from ..sample_grid import lines_to_images, sample_grid, to_images
from ..samples import SampleShape, draw_sample, sample_batches, shown_batch, to_signal, to_sketch_signal
from ..stack import MEMORY_PARTS, load_stack
from ..stage import Settings, train_stage

FULL_NOISE_SHARE = 0.7
"""Share of the tiny stack's samples at the last timestep, from which a few sampling steps start: given the line art and
the reference the answer is nearly determined there."""
SHOWN_STEPS, SHOWN_STEPS_ON_BASE = 2, 20
"""Sampling steps for pictures."""
HINT_SHARE = 0.8

Memory = tuple[torch.Tensor, torch.Tensor | None]


class Given(NamedTuple):
    """What the denoiser is told. text [B, L, D]; sketch, image: latents [B, F, C, h, w]; memory: what DGLM reads."""

    text: torch.Tensor
    sketch: torch.Tensor
    image: torch.Tensor
    rotary: tuple[torch.Tensor, torch.Tensor]
    memory: Memory | None

    def repeated(self, times: int) -> "Given":
        """Each of the batch so many times, one after the other."""
        text, sketch, image = (part.repeat_interleave(times, 0) for part in self[:3])
        memory = self.memory
        if memory is not None:
            everything, latest = memory
            latest = None if latest is None else latest.repeat_interleave(times, 0)
            memory = everything.repeat_interleave(times, 0), latest
        return Given(text, sketch, image, self.rotary, memory)


@dataclass(frozen=True)
class SampledStep:
    """One step of sampling: at `timestep`, after the step at `timestep_before` found `clean_before`, `latents` became
    `drawn`. All latents [B, F, C, h, w]."""

    timestep: int
    timestep_before: int | None
    clean_before: torch.Tensor | None
    latents: torch.Tensor
    drawn: torch.Tensor


def model_dtype(settings: Settings) -> torch.dtype:
    """What a base's frozen weights are kept in."""
    return torch.bfloat16 if settings.precision == "bf16" else torch.float32


class DenoisingStage:
    """What the stages that train parts of the denoiser share: how a batch becomes conditions, velocity and samples.

    learned: names of the modules that are trained. few_steps: train for sampling in few steps, as the tiny stack does.
    Raises ValueError when the shape does not fit the model.
    """

    def __init__(
        self,
        pipeline: LongAnimationPipeline,
        learned: tuple[str, ...],
        shape: SampleShape,
        hints: Hints | None,
        few_steps: bool,
        recompute: bool,
    ) -> None:
        _check_shape(pipeline, shape)
        self.pipeline = pipeline
        self.modules: dict[str, nn.Module] = {
            name: getattr(pipeline, name).float().requires_grad_(True) for name in learned
        }
        self.measures: dict[str, float] = {}
        self.few_steps = few_steps
        self.draw = partial(draw_sample, shape=shape, hints=hints)
        if recompute:
            pipeline.transformer.enable_gradient_checkpointing()
            pipeline.sketch_dit.enable_gradient_checkpointing()
        alphas = pipeline.scheduler.alphas_cumprod.float()
        self.signal_rate, self.noise_rate = alphas.sqrt(), (1 - alphas).sqrt()

    def to(self, device: torch.device) -> None:
        """See `Stage`."""
        self.pipeline.to(device)

    def batches(self, settings: Settings, first: int) -> Iterator[dict]:
        """See `Stage`."""
        return sample_batches(self.draw, settings, first)

    def encode(self, signal: torch.Tensor) -> torch.Tensor:
        """Encode [B, 1 + T, 3, H, W] into scaled latents [B, F, C, h, w]; drawing 0, the reference, on its own."""
        parts = [self.pipeline.encode_video(part, None) for part in (signal[:, :1], signal[:, 1:])]
        return torch.cat(parts, dim=1).float() * self.pipeline.vae.config.scaling_factor

    def given(self, batch: dict) -> Given:
        """Encode the conditions of a batch."""
        pipeline = self.pipeline
        sketch = self.encode(to_sketch_signal(batch["line_art"]))
        references, hints = to_signal(batch["color"][:, :1])[:, 0], None
        if "hint" in batch:
            hints = to_signal(batch["hint"])
        image = pipeline.encode_references(references, sketch.shape[1], None, hints).float()
        if "hint" in batch:
            image[~batch["hinted"], 1:] = 0
        tokens = pipeline.tokenizer(
            [prompt + pipeline.config.prompt_suffix for prompt in batch["prompt"]],
            padding="max_length",
            max_length=pipeline.transformer.config.max_text_seq_length,
            truncation=True,
            return_tensors="pt",
        ).input_ids
        text = pipeline.text_encoder(tokens.to(sketch.device)).last_hidden_state
        rotary = rotary_embedding(pipeline.transformer, sketch.shape[1], *sketch.shape[3:])
        return Given(text, sketch, image, rotary, None)

    def predict(self, noisy: torch.Tensor, timestep: torch.Tensor, given: Given) -> torch.Tensor:
        """Predict v of latents [B, F, C, h, w] at timesteps [B]."""
        ofs = torch.full((1,), OFS, device=noisy.device)
        control = self.pipeline.sketch_dit(
            torch.cat([given.sketch, given.image], dim=2), given.text, timestep, ofs, given.rotary
        )
        if given.memory is not None:
            control = control + self.pipeline.dynamic_memory(*given.memory, control)
        (velocity,) = self.pipeline.transformer(
            torch.cat([noisy, given.image], dim=2), given.text, timestep, ofs, given.rotary, control, return_dict=False
        )
        return velocity.float()

    def draw_timesteps(self, count: int) -> torch.Tensor:
        """Timesteps [count], all as likely; for few steps biased to high noise: their density grows linearly, and a
        share is at full noise."""
        if not self.few_steps:
            return torch.randint(1000, (count,))
        steps = (1000 * torch.rand(count).sqrt()).long().clamp(max=999)
        steps[torch.rand(count) < FULL_NOISE_SHARE] = 999
        return steps

    def loss(self, batch: dict) -> torch.Tensor:
        """Mean squared error of v over reference and segment."""
        given = self.given(batch)
        color = self.encode(to_signal(batch["color"]))
        timestep = self.draw_timesteps(len(color))
        signal_rate, noise_rate = (
            rate[timestep].view(-1, 1, 1, 1, 1).to(color.device) for rate in (self.signal_rate, self.noise_rate)
        )
        noise = torch.randn_like(color)
        velocity = self.predict(signal_rate * color + noise_rate * noise, timestep.to(color.device), given)
        return F.mse_loss(velocity, signal_rate * noise - noise_rate * color)

    @torch.no_grad()
    def sample(self, given: Given, steps: int, generator: torch.Generator | None = None) -> list[SampledStep]:
        """Sample latents from noise, without guidance; what the last step drew is clean."""
        scheduler = self.pipeline.scheduler
        scheduler.set_timesteps(steps)
        sampled: list[SampledStep] = []
        latents, clean, before = self._noise(given, generator), None, None
        for timestep in scheduler.timesteps.tolist():
            mean, deviation, found = self.step(timestep, before, clean, latents, given)
            drawn = mean + deviation * self._noise(given, generator)
            sampled.append(SampledStep(timestep, before, clean, latents, drawn))
            latents, clean, before = drawn, found, timestep
        return sampled

    def step(
        self, timestep: int, before: int | None, clean: torch.Tensor | None, latents: torch.Tensor, given: Given
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Mean, deviation and clean latents of one denoising step, see `solve_step`."""
        velocity = self.predict(latents, torch.full((len(latents),), timestep, device=latents.device), given)
        return solve_step(self.pipeline.scheduler, velocity, clean, timestep, before, latents)

    @staticmethod
    def _noise(given: Given, generator: torch.Generator | None) -> torch.Tensor:
        return torch.randn(given.sketch.shape, generator=generator).to(given.sketch.device)

    def picture(self) -> np.ndarray:
        """Line art, hints, what the stage gives, and the truth; the reference on the left."""
        batch = shown_batch(self.draw, 2)
        device = self.pipeline.transformer.device
        moved = {key: value.to(device) if torch.is_tensor(value) else value for key, value in batch.items()}
        steps = SHOWN_STEPS if self.few_steps else SHOWN_STEPS_ON_BASE
        latents = self.sample(self.given(moved), steps, torch.Generator().manual_seed(0))[-1].drawn[:, 1:]
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
        raise ValueError(f"--drawings {shape.drawings} does not fill this model's latents: take {fitting}.")
    if shape.height % geometry.multiple or shape.width % geometry.multiple:
        raise ValueError(
            f"--size {shape.width}x{shape.height} does not fit this model: take multiples of {geometry.multiple}."
        )


class SketchStage(DenoisingStage):
    """SketchDiT; without a base the denoiser and the text encoder too."""

    def __init__(self, folder: Path, shape: SampleShape, settings: Settings, hints: Hints | None) -> None:
        learned = ("transformer", "sketch_dit", "text_encoder") if settings.base is None else ("sketch_dit",)
        pipeline = load_stack(folder, settings.base, learned, MEMORY_PARTS, model_dtype(settings))
        super().__init__(pipeline, learned, shape, hints, settings.base is None, settings.recompute)


def train_sketch(
    folder: Path, shape: SampleShape, settings: Settings, hint_share: float = HINT_SHARE, compiled: bool = False
) -> None:
    """Train the stage and write the averaged weights beside `folder`/vae, which must exist where there is no base."""
    stage = SketchStage(folder, shape, settings, make_hints(folder, hint_share))
    if compiled:
        stage.predict = torch.compile(stage.predict)  # type: ignore[method-assign]
    train_stage("sketch", folder, stage, settings)


def make_hints(folder: Path, share: float) -> Hints | None:
    """The hints of a stage in `folder`."""
    return Hints(share, find_matcher(folder)) if share else None
