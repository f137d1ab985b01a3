# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage `vae`: the autoencoder of the tiny preset (the published one is CogVideoX's)."""

from pathlib import Path

import torch
from diffusers import AutoencoderKLCogVideoX
from torch.nn import functional as F

from server.longanimation.tiny import tiny_vae

from .autoencoder_start import start_near_identity
from .run import TrainingRun
from .samples import SampleShape, sample_batches, to_signal, to_sketch_signal

KL_WEIGHT = 1e-5
SHAPE = SampleShape(drawings=2, height=144, width=256)
BATCH = 4
CROP = 64
"""Pixels; the autoencoder is convolutional, so that small crops teach it as much as whole drawings, sooner."""


def signals_of(batch: dict) -> torch.Tensor:
    """What the autoencoder must be able to carry: colours without lines, drawn colours with lines, sketches; a random
    crop of each drawing, the same one over time."""
    color, sketch = to_signal(batch["color"]), to_sketch_signal(batch["line_art"])
    signals = torch.cat([color, torch.minimum(color, -sketch)[:1], sketch])
    tops = torch.randint(0, signals.shape[-2] - CROP + 1, (len(signals),))
    lefts = torch.randint(0, signals.shape[-1] - CROP + 1, (len(signals),))
    crops = zip(signals, tops.tolist(), lefts.tolist(), strict=True)
    return torch.stack([signal[..., top : top + CROP, left : left + CROP] for signal, top, left in crops])


def train_vae(folder: Path, minutes: float) -> None:
    """Train by absolute error plus a little KL, then write the averaged weights to `folder`/vae with the scaling
    factor that gives latents unit variance."""
    vae = tiny_vae()
    start_near_identity(vae)
    run = TrainingRun(folder / "vae-run", {"vae": vae}, rate=2e-3)

    def loss_of(batch: dict) -> torch.Tensor:
        signal = signals_of(batch)
        with torch.autocast("cpu", torch.bfloat16):
            posterior = vae.encode(signal).latent_dist
            decoded = vae.decode(posterior.sample()).sample.float()
        kl = posterior.kl().mean() / posterior.mean[0].numel()
        return F.l1_loss(decoded, signal) + F.mse_loss(decoded, signal) + KL_WEIGHT * kl

    run.train(sample_batches(SHAPE, BATCH, run.samples), loss_of, minutes)
    run.load_averages()
    vae.register_to_config(scaling_factor=1 / _latent_deviation(vae))
    vae.save_pretrained(folder / "vae")


@torch.no_grad()
def _latent_deviation(vae: AutoencoderKLCogVideoX) -> float:
    batch = next(sample_batches(SHAPE, 16, first=10**8))
    return vae.encode(signals_of(batch)).latent_dist.mean.std().item()
