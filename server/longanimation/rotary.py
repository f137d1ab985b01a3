# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotary positions of the video tokens, the same for SketchDiT and the denoiser."""

import torch
from diffusers import CogVideoXTransformer3DModel
from diffusers.models.embeddings import get_3d_rotary_pos_embed

MAX_GRID = (150, 150)
"""CogVideoX-1.5 slices its positions out of a grid of this size (1360×768 and larger)."""


def rotary_embedding(
    transformer: CogVideoXTransformer3DModel, frames: int, height: int, width: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return cosines and sines, each [N, head_dim], for latents of `frames` × `height` × `width`."""
    config = transformer.config
    return get_3d_rotary_pos_embed(
        config.attention_head_dim,
        None,
        (height // config.patch_size, width // config.patch_size),
        frames // config.patch_size_t,
        grid_type="slice",
        max_size=MAX_GRID,
        device=transformer.device,
    )
