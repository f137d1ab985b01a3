# SPDX-License-Identifier: GPL-3.0-or-later
"""Video-XL, the long-video-understanding model whose keys and values are the memory (paper §3.2.2).

Frames become visual tokens (CLIP tower, projector, 2×2 average pool); windows of them are compressed by beacons; what
DGLM reads are keys and values of three layers.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn
from torch.nn import functional as F
from transformers import CLIPVisionConfig, CLIPVisionModel

from .beacon import BeaconModel, KeyValueCache

MEMORY_LAYERS = (-9, -5, -1)
"""The layers that DGLM reads."""

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_DEVIATION = (0.26862954, 0.26130258, 0.27577711)


@dataclass
class VideoMemory:
    """What Video-XL remembers of a video: prompt and beacons, and the tokens of a window that is not yet full."""

    cache: KeyValueCache = field(default_factory=KeyValueCache)
    pending: torch.Tensor | None = None


class VideoXL(ModelMixin, ConfigMixin):
    """The language model with beacons, and the vision tower where `vision` gives its CLIP configuration.

    The arguments are the published configuration's; those about beacons that it could set otherwise are checked.
    `beacon_window` counts visual tokens, `beacon_ratio` holds how many of them share a beacon.
    """

    @register_to_config
    def __init__(
        self,
        vocab_size: int = 152064,
        hidden_size: int = 3584,
        intermediate_size: int = 18944,
        num_hidden_layers: int = 28,
        num_attention_heads: int = 28,
        num_key_value_heads: int = 4,
        max_position_embeddings: int = 32768,
        rms_norm_eps: float = 1e-6,
        rope_theta: float = 1e6,
        tie_word_embeddings: bool = False,
        use_sliding_window: bool = False,
        beacon_window: int = 1440,
        beacon_stride: int = 1440,
        beacon_attn: str = "full-coverage",
        beacon_attend_prev: bool = True,
        beacon_sink_size: int = 0,
        beacon_ratio: tuple[int, ...] = (8,),
        beacon_ratio_mix: str = "step-random",
        beacon_param: tuple[str, ...] = ("q", "k", "v"),
        beacon_pos: str = "interleave",
        beacon_parallel_window: int = 1,
        beacon_embed_init: str = "eos",
        beacon_accum: bool = True,
        eos_token_id: int = 151645,
        bos_token_id: int = 151643,
        pad_token_id: int = 151643,
        vision: dict[str, Any] | None = None,
        vision_layer: int = -2,
    ) -> None:
        super().__init__()
        found = (beacon_attn, beacon_pos, beacon_parallel_window, beacon_sink_size, tuple(beacon_param))
        accepted = ("full-coverage", "interleave", 1, 0, ("q", "k", "v"))
        if found != accepted or beacon_stride != beacon_window or tie_word_embeddings or use_sliding_window:
            raise ValueError(f"Only beacons as Video-XL has them are implemented: {accepted}, not {found}.")
        self.model = BeaconModel(
            vocab_size,
            hidden_size,
            intermediate_size,
            num_hidden_layers,
            num_attention_heads,
            num_key_value_heads,
            rms_norm_eps,
            rope_theta,
        )
        self.lm_head = nn.Linear(hidden_size, vocab_size, bias=False)
        if vision is not None:
            tower = CLIPVisionModel(CLIPVisionConfig(**vision))
            self.model.vision_tower = tower
            self.model.mm_projector = nn.Sequential(
                nn.Linear(tower.config.hidden_size, hidden_size), nn.GELU(), nn.Linear(hidden_size, hidden_size)
            )

    @property
    def memory_width(self) -> int:
        """Width of a key or value as DGLM reads it."""
        return self.config.hidden_size // self.config.num_attention_heads * self.config.num_key_value_heads

    def encode_frames(self, frames: torch.Tensor) -> torch.Tensor:
        """Turn frames [F, 3, H, W] in 0..1 into visual tokens [F · tokens a frame, hidden].

        The whole frame is resized to the tower's square; cropping it would lose 44 % of a 16:9 frame.
        """
        tower = self.model.vision_tower
        side = tower.config.image_size
        pixels = F.interpolate(frames, (side, side), mode="bilinear", antialias=True, align_corners=False)
        mean, deviation = (torch.tensor(c, device=frames.device).view(3, 1, 1) for c in (CLIP_MEAN, CLIP_DEVIATION))
        pixels = ((pixels - mean) / deviation).to(tower.dtype)
        features = tower(pixels, output_hidden_states=True).hidden_states[self.config.vision_layer][:, 1:]
        tokens = self.model.mm_projector(features)
        grid = side // tower.config.patch_size
        tokens = F.avg_pool2d(tokens.transpose(1, 2).unflatten(2, (grid, grid)), 2)
        return tokens.flatten(2).transpose(1, 2).flatten(0, 1)

    def start(self, head_ids: torch.Tensor) -> VideoMemory:
        """Begin a memory with the tokens [L] before the image; they are not compressed."""
        memory = VideoMemory()
        self.model.extend(self.model.embed_tokens(head_ids)[None], memory.cache)
        return memory

    def append(self, memory: VideoMemory, tokens: torch.Tensor) -> None:
        """Add visual tokens [N, hidden]. Full windows are compressed at once; what is left waits, so that the result
        does not depend on how the tokens were grouped."""
        pending = tokens[None] if memory.pending is None else torch.cat([memory.pending, tokens[None]], dim=1)
        window = self.config.beacon_window
        while pending.shape[1] >= window:
            self.model.extend(pending[:, :window], memory.cache, self.config.beacon_ratio[0])
            pending = pending[:, window:]
        memory.pending = pending

    def ask(self, memory: VideoMemory, tail_ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Run the tokens [L] after the image on a copy of the memory.

        Returns the memory that DGLM reads, [1, 2 (K, V), 3 layers, N, memory_width], N counting prompt, beacons and
        tail; and the logits [1, L, vocab_size] of the tail.
        """
        cache = memory.cache.copy()
        if memory.pending is not None and memory.pending.shape[1]:
            self.model.extend(memory.pending, cache, self.config.beacon_ratio[0])
        hidden = self.model.extend(self.model.embed_tokens(tail_ids)[None], cache)
        stacked = [
            torch.stack([tensors[layer].transpose(1, 2).flatten(2) for layer in MEMORY_LAYERS], dim=1)
            for tensors in (cache.keys, cache.values)
        ]
        return torch.stack(stacked, dim=1), self.lm_head(hidden)
