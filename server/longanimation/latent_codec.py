# SPDX-License-Identifier: GPL-3.0-or-later
"""The latent codec of the pipeline: pictures to latents and back, through the VAE."""

import torch
from diffusers import AutoencoderKLCogVideoX


class LatentCodecMixin:
    """The methods of a pipeline with a VAE that encode references, sketches and hints, and decode frames."""

    vae: AutoencoderKLCogVideoX
    _execution_device: torch.device

    def encode_video(self, signal: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
        """Encode [B, F, 3, H, W] in −1..1 into an unscaled posterior sample [B, latents, C, h, w]."""
        video = signal.transpose(1, 2).to(self._execution_device, self.vae.dtype)
        return self.vae.encode(video).latent_dist.sample(generator).transpose(1, 2)

    def encode_segment(self, signal: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
        """Encode [B, 1 + F, 3, H, W] into scaled latents [B, 1 + f, C, h, w] in float32, picture 0 separately."""
        parts = [self.encode_video(part, generator) for part in (signal[:, :1], signal[:, 1:])]
        return torch.cat(parts, dim=1).float() * self.vae.config.scaling_factor

    def encode_sketches(
        self, reference_sketch: torch.Tensor, sketches: torch.Tensor, generator: torch.Generator | None = None
    ) -> torch.Tensor:
        """Return scaled sketch latents [1, 1 + f, C, h, w]. The sketch [3, H, W] of the reference image is encoded
        separately, before the segment's sketches [F, 3, H, W]."""
        return self.encode_segment(torch.cat([reference_sketch[None], sketches])[None], generator)

    def encode_references(
        self,
        references: torch.Tensor,
        latents: int,
        generator: torch.Generator | None,
        hints: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return image latents [B, latents, C, h, w]: the references [B, 3, H, W] at 0, then the hints [B, F, 3, H, W]
        or zeros.

        They are not scaled, because CogVideoX-1.5 (`invert_scale_latents`) was trained on the VAE's unscaled output.
        """
        encoded = self.encode_video(references[:, None], generator)
        rest = encoded.new_zeros(len(encoded), latents - 1, *encoded.shape[2:])
        if hints is not None:
            rest = self.encode_video(hints, generator)
        image = torch.cat([encoded, rest], dim=1)
        return image if self.vae.config.invert_scale_latents else image * self.vae.config.scaling_factor

    def decode_video(self, latents: torch.Tensor) -> torch.Tensor:
        """Decode scaled latents [B, latents, C, h, w] into frames [B, F, 3, H, W] in 0..1."""
        video = latents.transpose(1, 2).to(self.vae.dtype) / self.vae.config.scaling_factor
        frames = self.vae.decode(video).sample.transpose(1, 2)
        return (frames.float() / 2 + 0.5).clamp(0, 1)
