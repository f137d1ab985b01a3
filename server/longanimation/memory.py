# SPDX-License-Identifier: GPL-3.0-or-later
"""Dynamic Global-Local Memory: cross-attention from the control signal to Video-XL's memory (paper §3.2.2)."""

from collections.abc import Sequence

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.utils.accelerate_utils import apply_forward_hook
from torch import nn
from torch.nn import functional as F

MappedMemory = list[tuple[torch.Tensor, torch.Tensor]]
"""The keys and values of each layer, [B, N, heads · dim_head], ready for attention."""


def _mapping(sizes: Sequence[int], dim: int) -> nn.Sequential:
    """Projects Video-XL's narrow keys or values to the width of the transformer."""
    first, second, third = sizes
    return nn.Sequential(
        nn.Linear(first, second),
        nn.LayerNorm(second),
        nn.LeakyReLU(),
        nn.Linear(second, third),
        nn.LayerNorm(third),
        nn.LeakyReLU(),
        nn.Linear(third, dim),
    )


class _MemoryAttention(nn.Module):
    """Cross-attention whose keys and values share one norm (norm1); norm2 is the queries'."""

    def __init__(self, dim: int, dim_head: int, heads: int) -> None:
        super().__init__()
        inner = dim_head * heads
        self.heads = heads
        self.norm1 = nn.LayerNorm(dim)
        self.norm2 = nn.LayerNorm(dim)
        self.to_q = nn.Linear(dim, inner, bias=False)
        self.to_k = nn.Linear(dim, inner, bias=False)
        self.to_v = nn.Linear(dim, inner, bias=False)
        self.to_out = nn.Linear(inner, dim, bias=False)

    def forward(self, latents: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        query = self.to_q(self.norm2(latents))
        split = [t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in (query, key, value)]
        split[1:] = [t.repeat(query.shape[0] // t.shape[0], 1, 1, 1) for t in split[1:]]
        attended = F.scaled_dot_product_attention(*split)
        return self.to_out(attended.transpose(1, 2).flatten(2))


def _feed_forward(dim: int, mult: int) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(dim), nn.Linear(dim, dim * mult, bias=False), nn.GELU(), nn.Linear(dim * mult, dim, bias=False)
    )


class DynamicGlobalLocalMemory(ModelMixin, ConfigMixin):
    """Fuses global and local memory into the control signal: `signal += dglm(global, local, signal)`.

    dim: width of the control signal; depth: layers, one for each Video-XL layer that is read (−9, −5, −1);
    mapping_sizes: width of a Video-XL key, then of the two hidden layers that project it to `dim`. num_queries is in
    published configurations and has no effect.
    """

    @register_to_config
    def __init__(
        self,
        dim: int = 3072,
        depth: int = 3,
        dim_head: int = 96,
        heads: int = 32,
        output_dim: int = 3072,
        ff_mult: int = 4,
        mapping_sizes: tuple[int, int, int] = (512, 1024, 2048),
        num_queries: int = 32,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.ModuleList([_MemoryAttention(dim, dim_head, heads), _feed_forward(dim, ff_mult)]) for _ in range(depth)
        )
        for index in range(depth):
            self.add_module(f"key_mapping_{index}", _mapping(mapping_sizes, dim))
            self.add_module(f"value_mapping_{index}", _mapping(mapping_sizes, dim))
        # Zero at first, so that the memory stage starts from what SketchDiT has learned.
        self.proj_out = nn.Parameter(torch.zeros(dim, output_dim))

    @apply_forward_hook
    def map_memory(self, global_memory: torch.Tensor, local_memory: torch.Tensor | None) -> MappedMemory:
        """Compute each layer's keys and values. They depend neither on the denoising step nor on the guidance branch,
        so once per segment is enough.

        Both memories: [B, 2 (K, V), depth, tokens, mapping_sizes[0]]; global tokens are followed by local ones.
        """
        memory = global_memory if local_memory is None else torch.cat([global_memory, local_memory], dim=3)
        mapped: MappedMemory = []
        for index, (attention, _) in enumerate(self.layers):  # type: ignore[misc]
            key = self.get_submodule(f"key_mapping_{index}")(memory[:, 0, index])
            value = self.get_submodule(f"value_mapping_{index}")(memory[:, 1, index])
            mapped.append((attention.to_k(attention.norm1(key)), attention.to_v(attention.norm1(value))))
        return mapped

    @apply_forward_hook
    def attend(self, mapped: MappedMemory, latents: torch.Tensor) -> torch.Tensor:
        """Return what memory adds to the control signal `latents` [B, N, dim]; B is a multiple of memory's batch."""
        for (attention, feed_forward), (key, value) in zip(self.layers, mapped, strict=True):  # type: ignore[misc]
            latents = latents + attention(latents, key, value)
            latents = latents + feed_forward(latents)
        return latents @ self.proj_out

    def forward(
        self, global_memory: torch.Tensor, local_memory: torch.Tensor | None, latents: torch.Tensor
    ) -> torch.Tensor:
        """`map_memory` and `attend` in one call."""
        return self.attend(self.map_memory(global_memory, local_memory), latents)
