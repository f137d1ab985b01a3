# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage `vae`: the autoencoder of the tiny preset (the published one is CogVideoX's)."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLCogVideoX
from torch.nn import functional as F

from server.longanimation.sketch import to_sketch_signal
from server.longanimation.tiny import tiny_vae

from ..sample_grid import lines_to_images, sample_grid, to_images
from ..samples import SampleShape, sample_batches, sample_drawer, shown_batch, to_signal
from ..stage import Settings, train_stage
from .vae_initialization import initialize_near_identity

KL_WEIGHT = 1e-5
CROP = 64
"""The largest side of a crop in pixels. The autoencoder is convolutional, so small crops teach it as much as whole
drawings, in less time."""


def signals_of(batch: dict) -> torch.Tensor:
    """Return what the autoencoder must reproduce, [B', 3, T, h, w]: colors without lines, colors with lines, sketches.
    Each is a random crop of a sample, the same for all its drawings."""
    color, sketch = (
        signal.transpose(1, 2) for signal in (to_signal(batch["color"]), to_sketch_signal(batch["line_art"]))
    )
    signals = torch.cat([color, torch.minimum(color, -sketch)[:1], sketch])
    rows, columns = (min(CROP, side) for side in signals.shape[-2:])
    tops = torch.randint(0, signals.shape[-2] - rows + 1, (len(signals),))
    lefts = torch.randint(0, signals.shape[-1] - columns + 1, (len(signals),))
    crops = zip(signals, tops.tolist(), lefts.tolist(), strict=True)
    return torch.stack([signal[..., top : top + rows, left : left + columns] for signal, top, left in crops])


class VaeStage:
    """The autoencoder, with a loss of absolute and squared error plus a little KL divergence."""

    def __init__(self, folder: Path, shape: SampleShape) -> None:
        if (folder / "vae").is_dir():
            self.vae = AutoencoderKLCogVideoX.from_pretrained(folder / "vae")
        else:
            self.vae = tiny_vae()
            initialize_near_identity(self.vae)
        self.draw = sample_drawer(shape)
        self.modules = {"vae": self.vae}
        self.measures: dict[str, float] = {}

    def to(self, device: torch.device) -> None:
        """See `Stage`: there is nothing that is not trained."""

    def batches(self, settings: Settings, first: int) -> Iterator[dict]:
        """See `Stage`."""
        return sample_batches(self.draw, settings, first)

    def loss(self, batch: dict) -> torch.Tensor:
        """Return the error of a decoded posterior sample."""
        signal = signals_of(batch)
        posterior = self.vae.encode(signal).latent_dist
        decoded = self.vae.decode(posterior.sample()).sample.float()
        kl = posterior.kl().mean() / posterior.mean[0].numel()
        return F.l1_loss(decoded, signal) + F.mse_loss(decoded, signal) + KL_WEIGHT * kl

    def picture(self) -> np.ndarray:
        """Return line art, the decoded line art, the decoded colors, and the colors."""
        batch = shown_batch(self.draw, 2)
        groups = []
        for color, line_art in zip(batch["color"], batch["line_art"], strict=True):
            signals = torch.cat([to_sketch_signal(line_art[None]), to_signal(color[None])]).transpose(1, 2)
            latents = self.vae.encode(signals.to(self.vae.device)).latent_dist.mode()
            lines, colors = self.vae.decode(latents).sample.transpose(1, 2)
            groups.append([lines_to_images(line_art), to_images(-lines), to_images(colors), color.numpy()])
        return sample_grid(groups)

    @torch.no_grad()
    def latent_deviation(self, settings: Settings) -> float:
        """Return the standard deviation of latents."""
        batch = next(self.batches(settings, 10**8))
        return self.vae.encode(signals_of(batch).to(self.vae.device)).latent_dist.mean.std().item()


def train_vae(folder: Path, shape: SampleShape, settings: Settings) -> None:
    """Train the stage. The written scaling factor gives latents unit variance."""
    stage = VaeStage(folder, shape)
    train_stage("vae", folder, stage, settings, shape=shape)
    stage.vae.register_to_config(scaling_factor=1 / stage.latent_deviation(settings))
    stage.vae.save_config(folder / "vae")
