# SPDX-License-Identifier: GPL-3.0-or-later
"""The latent codec of the pipeline: pictures to latents and back, through the VAE."""

import functools
import logging
from collections.abc import Callable
from typing import Any, Literal, TypeVar

import torch
from diffusers import AutoencoderKLCogVideoX
from diffusers.utils.torch_utils import empty_device_cache

TILE = (240, 360)
"""Height and width of the VAE's tiles in pixels: multiples of six and of five latents. They overlap by a sixth of their
height and a fifth of their width. If that had to be rounded, Diffusers would return frames of another size."""

LARGEST_PART = 2**30
"""Numbers that Diffusers' `CogVideoXSafeConv3d` gives to a convolution at once (2 GiB in 16 bits). It splits a larger
input along time, however few steps a part then has."""

Operation = Literal["encode", "decode"]
T = TypeVar("T")

logger = logging.getLogger(__name__)


def fits_whole(vae: AutoencoderKLCogVideoX, pixels: int) -> bool:
    """Return whether the VAE can work on one whole picture of so many pixels: three steps in time, which its kernels
    span, of its widest layer at full size fit into one part. A part with fewer steps raises RuntimeError."""
    return 3 * max(vae.config.block_out_channels[:2]) * pixels <= LARGEST_PART


class TilingMixin:
    """The method of what has a VAE that turns to tiles where the GPU's memory runs out.

    tiled: what the VAE does in overlapping tiles, even if whole pictures are small enough for its convolutions. An
        operation that runs out of the GPU's memory is added.
    """

    tiled: frozenset[Operation] = frozenset()

    def _in_tiles_if_needed(
        self, vae: Any, operation: Operation, attempt: Callable[[], T], device: torch.device, fits_whole: bool = True
    ) -> T:
        """Return what `attempt`, an operation of a VAE of Diffusers, returns: on whole pictures, unless they do not
        fit, and in tiles if the GPU's memory runs out. Raises torch.OutOfMemoryError when it runs out again."""
        vae.use_tiling = operation in self.tiled or not fits_whole
        try:
            return attempt()
        except torch.OutOfMemoryError:
            if vae.use_tiling:
                raise
        # Only here does nothing hold the tensors of the failed attempt.
        empty_device_cache(device.type)
        logger.warning("The GPU's memory ran out: the VAE will %s in tiles from here on, not as a whole.", operation)
        self.tiled |= {operation}
        return self._in_tiles_if_needed(vae, operation, attempt, device)


class LatentCodecMixin(TilingMixin):
    """The methods of a pipeline with a VAE that encode references, sketches and hints, and decode frames."""

    vae: AutoencoderKLCogVideoX
    _execution_device: torch.device

    def _run_vae(self, operation: Operation, video: torch.Tensor, pixels: int) -> Any:
        """Return what `operation` of the VAE makes of [B, C, F, h, w], which has so many pixels as pictures. One video
        follows the other: several at once take as many times the memory, and parts of their convolutions are too
        short. Raises torch.OutOfMemoryError when the GPU's memory runs out with tiles, too."""
        self.vae.enable_slicing()
        self.vae.enable_tiling(*TILE)
        attempt = functools.partial(getattr(self.vae, operation), video)
        fits = fits_whole(self.vae, pixels)
        return self._in_tiles_if_needed(self.vae, operation, attempt, self._execution_device, fits)

    def encode_video(self, signal: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
        """Encode [B, F, 3, H, W] in −1..1 into an unscaled posterior sample [B, latents, C, h, w]."""
        video = signal.transpose(1, 2).to(self._execution_device, self.vae.dtype)
        posterior = self._run_vae("encode", video, video[0, 0, 0].numel()).latent_dist
        return posterior.sample(generator).transpose(1, 2)

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
        pixels = video[0, 0, 0].numel() * 4 ** (len(self.vae.config.block_out_channels) - 1)
        frames = self._run_vae("decode", video, pixels).sample.transpose(1, 2)
        return (frames.float() / 2 + 0.5).clamp(0, 1)
