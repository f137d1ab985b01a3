# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage `sketch`: denoiser, SketchDiT and text encoder together.

The paper freezes CogVideoX and trains SketchDiT alone (§4.1). There is no small CogVideoX to freeze, so the tiny
preset learns both at once, on the paper's loss (Eq. 1, as v-prediction).
"""

from pathlib import Path

import torch
from diffusers import AutoencoderKLCogVideoX
from torch.nn import functional as F

from server.longanimation.pipeline import OFS
from server.longanimation.rotary import rotary_embedding
from server.longanimation.tiny import (
    TEXT_LENGTH,
    tiny_scheduler,
    tiny_sketch_dit,
    tiny_text_encoder,
    tiny_tokenizer,
    tiny_transformer,
)

from .run import TrainingRun
from .samples import SampleShape, sample_batches, to_signal, to_sketch_signal

FULL_NOISE_SHARE = 0.7
"""Share of samples at the last timestep, from which a few sampling steps start: given the line art and the reference
the answer is nearly determined there."""


class SketchStage:
    """The modules that this stage trains and its loss."""

    def __init__(self, vae: AutoencoderKLCogVideoX, compiled: bool) -> None:
        self.vae = vae.eval().requires_grad_(False)
        self.transformer = tiny_transformer()
        self.sketch_dit = tiny_sketch_dit()
        self.text_encoder = tiny_text_encoder()
        self.tokenizer = tiny_tokenizer()
        alphas = tiny_scheduler().alphas_cumprod.float()
        self.signal_rate, self.noise_rate = alphas.sqrt(), (1 - alphas).sqrt()
        self._predict = torch.compile(self.predict) if compiled else self.predict

    @property
    def modules(self) -> dict[str, torch.nn.Module]:
        """What is trained, by its name in the pipeline."""
        return {
            "transformer": self.transformer,
            "sketch_dit": self.sketch_dit,
            "text_encoder": self.text_encoder,
        }

    def encode(self, signal: torch.Tensor) -> torch.Tensor:
        """Encode [B, 3, 1+T, H, W] into scaled latents [B, 1+T, C, h, w]; frame 0, the reference, on its own."""
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            parts = [self.vae.encode(part).latent_dist.sample() for part in (signal[:, :, :1], signal[:, :, 1:])]
        return torch.cat(parts, dim=2).transpose(1, 2).float() * self.vae.config.scaling_factor

    def predict(
        self,
        noisy: torch.Tensor,
        image: torch.Tensor,
        sketch: torch.Tensor,
        tokens: torch.Tensor,
        timestep: torch.Tensor,
        rotary: tuple[torch.Tensor, torch.Tensor],
        history: torch.Tensor,
    ) -> torch.Tensor:
        """Predict v from latents [B, F, C, h, w] and text tokens [B, L]."""
        text = self.text_encoder(tokens).last_hidden_state
        ofs = torch.full((1,), OFS)
        control = self.control(torch.cat([sketch, image], dim=2), text, timestep, ofs, rotary, history)
        (velocity,) = self.transformer(
            torch.cat([noisy, image], dim=2), text, timestep, ofs, rotary, control, return_dict=False
        )
        return velocity

    def control(
        self,
        hidden_states: torch.Tensor,
        text: torch.Tensor,
        timestep: torch.Tensor,
        ofs: torch.Tensor,
        rotary: tuple[torch.Tensor, torch.Tensor],
        history: torch.Tensor,
    ) -> torch.Tensor:
        """The control signal [B, N, dim]. A first segment has no history to look at."""
        return self.sketch_dit(hidden_states, text, timestep, ofs, rotary)

    def draw_timesteps(self, count: int) -> torch.Tensor:
        """Timesteps biased to high noise: their density grows linearly, and a share is at full noise."""
        steps = (1000 * torch.rand(count).sqrt()).long().clamp(max=999)
        steps[torch.rand(count) < FULL_NOISE_SHARE] = 999
        return steps

    def loss(self, batch: dict) -> torch.Tensor:
        """Mean squared error of v over reference and segment."""
        color = self.encode(to_signal(batch["color"]))
        sketch = self.encode(to_sketch_signal(batch["line_art"]))
        image = torch.zeros_like(color)
        image[:, :1] = color[:, :1]
        timestep = self.draw_timesteps(len(color))
        signal_rate = self.signal_rate[timestep].view(-1, 1, 1, 1, 1)
        noise_rate = self.noise_rate[timestep].view(-1, 1, 1, 1, 1)
        noise = torch.randn_like(color)
        tokens = self.tokenizer(
            list(batch["prompt"]), padding="max_length", max_length=TEXT_LENGTH, truncation=True, return_tensors="pt"
        ).input_ids
        rotary = rotary_embedding(self.transformer, color.shape[1], *color.shape[3:])
        with torch.autocast("cpu", torch.bfloat16):
            velocity = self._predict(
                signal_rate * color + noise_rate * noise, image, sketch, tokens, timestep, rotary, batch["history"]
            )
        return F.mse_loss(velocity.float(), signal_rate * noise - noise_rate * color)


def train_sketch(folder: Path, minutes: float, shape: SampleShape, batch: int, rate: float, compiled: bool) -> None:
    """Train the stage and write the averaged weights beside `folder`/vae, which must exist."""
    if not (folder / "vae").is_dir():
        raise FileNotFoundError(f"{folder / 'vae'} is missing: train the stage `vae` first")
    stage = SketchStage(AutoencoderKLCogVideoX.from_pretrained(folder / "vae"), compiled)
    run = TrainingRun(folder / "sketch-run", stage.modules, rate)
    run.train(sample_batches(shape, batch, run.samples), stage.loss, minutes)
    run.load_averages()
    for name, module in stage.modules.items():
        module.save_pretrained(folder / name)
