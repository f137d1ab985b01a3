# SPDX-License-Identifier: GPL-3.0-or-later
"""The denoising transformer: CogVideoX-1.5 with SketchDiT's control signal injected (paper §3.2.1)."""

import functools
from typing import Any, ClassVar

import torch
from diffusers import CogVideoXTransformer3DModel, ModelMixin  # noqa: F401  from_pretrained looks for it here
from diffusers.models.modeling_outputs import Transformer2DModelOutput
from diffusers.models.transformers.cogvideox_transformer_3d import CogVideoXBlock

from .context_parallel import WHOLE, Share
from .diffusers_internals import register_block, replace_block_class, run_block

RotaryEmbedding = tuple[torch.Tensor, torch.Tensor]

CONTROL_SCALE = 0.5
"""γ: the control signal is added with this weight (§3.2.1)."""


def embed_tokens(
    model: CogVideoXTransformer3DModel,
    hidden_states: torch.Tensor,
    encoder_hidden_states: torch.Tensor,
    timestep: torch.Tensor,
    ofs: torch.Tensor | None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Embed latents, text and time as every CogVideoX transformer does.

    hidden_states: [B, F, C, H, W]; encoder_hidden_states: [B, L, text_embed_dim]; timestep: [B]; ofs: [1].
    Returns video tokens [B, N, dim], text tokens [B, L, dim] and the time embedding [B, time_embed_dim].
    """
    temb = model.time_embedding(model.time_proj(timestep).to(hidden_states.dtype))
    if model.ofs_embedding is not None:
        temb = temb + model.ofs_embedding(model.ofs_proj(ofs).to(hidden_states.dtype))
    tokens = model.embedding_dropout(model.patch_embed(encoder_hidden_states, hidden_states))
    text_length = encoder_hidden_states.shape[1]
    return tokens[:, text_length:], tokens[:, :text_length], temb


def controlled_layers(num_layers: int) -> range:
    """Indices of the blocks after which control is added: every even one (0, 2, 4, …)."""
    return range(0, num_layers, 2)


class ControlledBlock(CogVideoXBlock):
    """A block of CogVideoX and the control that follows it, as one module. A cache that skips the block therefore skips
    its control too, and the block's cached output contains the control once."""

    def forward(
        self,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor,
        temb: torch.Tensor,
        image_rotary_emb: RotaryEmbedding | None = None,
        attention_kwargs: dict[str, Any] | None = None,
        control: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return video tokens [B, N, dim], with `control` [B, N, dim] added, and text tokens [B, L, dim]."""
        video, text = super().forward(hidden_states, encoder_hidden_states, temb, image_rotary_emb, attention_kwargs)
        return video if control is None else video + control, text


register_block(ControlledBlock)


class LongAnimationTransformer3DModel(CogVideoXTransformer3DModel):
    """CogVideoX-1.5 I2V whose even blocks are followed by `h_video += γ · control_signal`.

    Its weights have the names of the stock model. Without a control signal, it is the stock model.
    """

    _no_split_modules: ClassVar = ["ControlledBlock", "CogVideoXPatchEmbed"]
    _repeated_blocks: ClassVar = ["ControlledBlock"]

    share: Share = WHOLE
    """The share of this process in the video tokens; `share_tokens` sets it."""

    @functools.wraps(CogVideoXTransformer3DModel.__init__)  # type: ignore[misc]  # from_config reads the signature
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        replace_block_class(self.transformer_blocks, CogVideoXBlock, ControlledBlock)

    def forward(
        self,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor,
        timestep: torch.Tensor,
        ofs: torch.Tensor | None = None,
        image_rotary_emb: RotaryEmbedding | None = None,
        control_signal: torch.Tensor | None = None,
        control_scale: float = CONTROL_SCALE,
        attention_kwargs: dict[str, Any] | None = None,
        return_dict: bool = True,
    ) -> tuple[torch.Tensor] | Transformer2DModelOutput:
        """Predict v.

        hidden_states: channels [noisy latents | image latents], [B, F, 2C, H, W], F a multiple of patch_size_t.
        encoder_hidden_states: [B, L, text_embed_dim]. timestep: [B]. ofs: [1], the constant 2.0.
        image_rotary_emb: cosines and sines of the video tokens, each [N, head_dim].
        control_signal: SketchDiT's output, after DGLM if there is memory, [B, N, dim]; this process's share of it.
        Returns [B, F, C, H, W].
        """
        batch, frames, _, height, width = hidden_states.shape
        video, text, temb = embed_tokens(self, hidden_states, encoder_hidden_states, timestep, ofs)
        tokens = video.shape[1]
        video = self.share.split(video)
        if control_signal is not None:
            control_signal = control_scale * control_signal
        control_after = controlled_layers(len(self.transformer_blocks))
        for index, block in enumerate(self.transformer_blocks):
            control = control_signal if index in control_after else None
            video, text = run_block(self, block, video, text, temb, image_rotary_emb, attention_kwargs, control)
        video = self.share.gather(self.proj_out(self.norm_out(self.norm_final(video), temb=temb)), tokens)

        patch, patch_t = self.config.patch_size, self.config.patch_size_t
        grid = (batch, frames // patch_t, height // patch, width // patch)
        sample = video.reshape(*grid, -1, patch_t, patch, patch)
        sample = sample.permute(0, 1, 5, 4, 2, 6, 3, 7).reshape(batch, frames, -1, height, width)
        return Transformer2DModelOutput(sample=sample) if return_dict else (sample,)
