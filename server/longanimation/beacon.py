# SPDX-License-Identifier: GPL-3.0-or-later
"""Qwen2 with beacons: a language model that compresses each window of tokens into a few keys and values (Video-XL).

One beacon follows every `ratio` tokens of a window. Beacons have their own projections for queries, keys and values,
and share everything else. Once a window is finished, only its beacons' keys and values stay.
"""

from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.attention.bias import causal_lower_right

Rotation = tuple[torch.Tensor, torch.Tensor]
"""Cosines and sines of rotary positions, each [N, head_dim]."""


@dataclass
class KeyValueCache:
    """Keys (before rotary positions) and values of every layer, each [B, kv_heads, N, head_dim]."""

    keys: list[torch.Tensor] = field(default_factory=list)
    values: list[torch.Tensor] = field(default_factory=list)

    def __len__(self) -> int:
        return self.keys[0].shape[2] if self.keys else 0

    def copy(self) -> "KeyValueCache":
        """Return a cache that can grow without changing this one. The tensors are shared."""
        return KeyValueCache(list(self.keys), list(self.values))

    def keep(self, rows: torch.Tensor) -> None:
        """Keep only the tokens for which `rows` [N] is true. Their positions are counted from 0 again."""
        self.keys = [key[:, :, rows] for key in self.keys]
        self.values = [value[:, :, rows] for value in self.values]


def _rotation(count: int, head_dim: int, theta: float, like: torch.Tensor) -> Rotation:
    """The rotary positions 0 … count − 1, on the device and in the type of `like`."""
    exponents = torch.arange(head_dim // 2, device=like.device, dtype=torch.float32) / (head_dim // 2)
    angles = torch.arange(count, device=like.device)[:, None].float() / theta**exponents
    return angles.cos().repeat(1, 2).to(like.dtype), angles.sin().repeat(1, 2).to(like.dtype)


def _rotate(heads: torch.Tensor, rotation: Rotation) -> torch.Tensor:
    cosines, sines = rotation
    first, second = heads.chunk(2, dim=-1)
    turned = heads * cosines + torch.cat([-second, first], dim=-1) * sines
    return turned.to(heads.dtype)  # under autocast the rotation is wider than the heads


class _Attention(nn.Module):
    def __init__(self, hidden: int, heads: int, kv_heads: int) -> None:
        super().__init__()
        self.head_dim = hidden // heads
        for prefix in ("", "beacon_"):
            setattr(self, f"{prefix}q_proj", nn.Linear(hidden, heads * self.head_dim))
            setattr(self, f"{prefix}k_proj", nn.Linear(hidden, kv_heads * self.head_dim))
            setattr(self, f"{prefix}v_proj", nn.Linear(hidden, kv_heads * self.head_dim))
        self.o_proj = nn.Linear(heads * self.head_dim, hidden, bias=False)

    def _project(self, name: str, hidden: torch.Tensor, beacons: torch.Tensor | None) -> torch.Tensor:
        """Project ordinary tokens and beacons with their own weights. Returns [B, heads, T, head_dim]."""
        projected = getattr(self, f"{name}_proj")(hidden)
        if beacons is not None:
            own = getattr(self, f"beacon_{name}_proj")(hidden[:, beacons])
            projected = projected.index_copy(1, beacons, own.to(projected.dtype))
        return projected.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def forward(
        self,
        hidden: torch.Tensor,
        beacons: torch.Tensor | None,
        rotation: Rotation,
        past: tuple[torch.Tensor, torch.Tensor] | None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the output and the new tokens' keys (before rotation) and values."""
        query, key, value = (self._project(name, hidden, beacons) for name in "qkv")
        keys, values = key, value
        if past is not None:
            keys, values = torch.cat([past[0], key], dim=2), torch.cat([past[1], value], dim=2)
        new, total = query.shape[2], keys.shape[2]
        attended = F.scaled_dot_product_attention(
            _rotate(query, (rotation[0][-new:], rotation[1][-new:])),
            _rotate(keys, rotation),
            values,
            attn_mask=causal_lower_right(new, total),  # an explicit mask would rule CUDA's flash attention out
            enable_gqa=True,
        )
        return self.o_proj(attended.transpose(1, 2).flatten(2)), key, value


class _FeedForward(nn.Module):
    def __init__(self, hidden: int, intermediate: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(hidden, intermediate, bias=False)
        self.up_proj = nn.Linear(hidden, intermediate, bias=False)
        self.down_proj = nn.Linear(intermediate, hidden, bias=False)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.down_proj(F.silu(self.gate_proj(hidden)) * self.up_proj(hidden))


class BeaconLayer(nn.Module):
    """One Qwen2 layer."""

    def __init__(self, hidden: int, intermediate: int, heads: int, kv_heads: int, eps: float) -> None:
        super().__init__()
        self.self_attn = _Attention(hidden, heads, kv_heads)
        self.mlp = _FeedForward(hidden, intermediate)
        self.input_layernorm = nn.RMSNorm(hidden, eps)
        self.post_attention_layernorm = nn.RMSNorm(hidden, eps)

    def forward(
        self,
        hidden: torch.Tensor,
        beacons: torch.Tensor | None,
        rotation: Rotation,
        past: tuple[torch.Tensor, torch.Tensor] | None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return hidden states [B, T, hidden] and the new keys and values [B, kv_heads, T, head_dim].

        beacons: positions of the beacons among the T tokens; past: keys and values of earlier tokens.
        """
        attended, key, value = self.self_attn(self.input_layernorm(hidden), beacons, rotation, past)
        hidden = hidden + attended
        return hidden + self.mlp(self.post_attention_layernorm(hidden)), key, value


class BeaconModel(nn.Module):
    """Embeddings, layers and final norm. It does not handle images."""

    def __init__(
        self,
        vocab_size: int,
        hidden_size: int,
        intermediate_size: int,
        num_hidden_layers: int,
        num_attention_heads: int,
        num_key_value_heads: int,
        rms_norm_eps: float,
        rope_theta: float,
    ) -> None:
        super().__init__()
        self.head_dim = hidden_size // num_attention_heads
        self.rope_theta = rope_theta
        self.embed_tokens = nn.Embedding(vocab_size, hidden_size)
        self.beacon_embed_tokens = nn.Embedding(1, hidden_size)
        self.layers = nn.ModuleList(
            BeaconLayer(hidden_size, intermediate_size, num_attention_heads, num_key_value_heads, rms_norm_eps)
            for _ in range(num_hidden_layers)
        )
        self.norm = nn.RMSNorm(hidden_size, rms_norm_eps)

    def extend(self, embeddings: torch.Tensor, cache: KeyValueCache, ratio: int | None = None) -> torch.Tensor:
        """Run tokens [B, T, hidden] after the tokens in the cache, and add their keys and values to it.

        With `ratio`, one beacon follows each `ratio` tokens, and only the beacons enter the cache. T must be a multiple
        of `ratio`. Positions are counted from the start of the cache, beacons included. Keys are cached before
        rotation, so that tokens can be dropped. Returns normed hidden states.
        """
        beacons = None
        if ratio is not None:
            embeddings = self._with_beacons(embeddings, ratio)
            beacons = torch.arange(ratio, embeddings.shape[1], ratio + 1, device=embeddings.device)
        filled = bool(cache.keys)
        rotation = _rotation(len(cache) + embeddings.shape[1], self.head_dim, self.rope_theta, embeddings)
        hidden = embeddings
        for index, layer in enumerate(self.layers):
            past = (cache.keys[index], cache.values[index]) if filled else None
            hidden, key, value = layer(hidden, beacons, rotation, past)
            if beacons is not None:
                key, value = key[:, :, beacons], value[:, :, beacons]
            if past is None:
                cache.keys.append(key)
                cache.values.append(value)
            else:
                cache.keys[index] = torch.cat([past[0], key], dim=2)
                cache.values[index] = torch.cat([past[1], value], dim=2)
        return self.norm(hidden)

    def _with_beacons(self, embeddings: torch.Tensor, ratio: int) -> torch.Tensor:
        batch, count = embeddings.shape[:2]
        if count % ratio:
            raise ValueError(f"{count} tokens cannot be compressed {ratio} to one: give a multiple of {ratio}.")
        first = torch.zeros(batch, count // ratio, 1, dtype=torch.long, device=embeddings.device)
        beacon = self.beacon_embed_tokens(first).to(embeddings.dtype)
        return torch.cat([embeddings.unflatten(1, (-1, ratio)), beacon], dim=2).flatten(1, 2)
