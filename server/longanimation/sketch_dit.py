# SPDX-License-Identifier: GPL-3.0-or-later
"""SketchDiT S(·): hybrid features of the reference image, the sketches and the text (paper §3.2.1)."""

import functools
from typing import ClassVar

import torch
from diffusers import CogVideoXTransformer3DModel, ModelMixin  # noqa: F401  from_pretrained looks for it here
from torch import nn

from .context_parallel import WHOLE, Share
from .diffusers_internals import run_block
from .transformer import RotaryEmbedding, embed_tokens


class SketchDiT(CogVideoXTransformer3DModel):
    """The first L blocks of CogVideoX over [sketch latents | image latents], ending in a zero-initialized projection.

    It takes the configuration of a `CogVideoXTransformer3DModel`. It has no final norm and no output head, because its
    output is the control signal, not a latent. It never sees the noisy latents.
    """

    _repeated_blocks: ClassVar = ["CogVideoXBlock"]

    share: Share = WHOLE
    """The share of this process in the video tokens; `share_tokens` sets it."""

    @functools.wraps(CogVideoXTransformer3DModel.__init__)  # type: ignore[misc]  # from_config reads the signature
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        del self.norm_final, self.norm_out, self.proj_out
        dim = self.config.num_attention_heads * self.config.attention_head_dim
        self.zero_conv = nn.Linear(dim, dim, bias=False)
        nn.init.zeros_(self.zero_conv.weight)

    def forward(  # type: ignore[override]
        self,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor,
        timestep: torch.Tensor,
        ofs: torch.Tensor | None = None,
        image_rotary_emb: RotaryEmbedding | None = None,
    ) -> torch.Tensor:
        """Return the control signal [B, N, dim] for the N video tokens, or for this process's share of them.

        hidden_states: channels [sketch latents | image latents], [B, F, 2C, H, W]; frame 0 holds the reference's sketch
        and the reference image, the others the segment's sketches and zeros. The other arguments are the transformer's.
        """
        video, text, temb = embed_tokens(self, hidden_states, encoder_hidden_states, timestep, ofs)
        video = self.share.split(video)
        for block in self.transformer_blocks:
            video, text = run_block(self, block, video, text, temb, image_rotary_emb)
        return self.zero_conv(video)
