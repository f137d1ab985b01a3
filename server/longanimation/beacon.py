# SPDX-License-Identifier: GPL-3.0-or-later
"""Qwen2 with beacons: a language model that compresses each window of tokens into a few keys and values (Video-XL).

After every `ratio` tokens of a window stands one beacon. Beacons have projections of their own for queries, keys and
values, and share everything else. Once a window is done only its beacons' keys and values stay.
"""

from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn import functional as F


@dataclass
class KeyValueCache:
    """Keys (before rotary positions) and values of every layer, each [B, kv_heads, N, head_dim]."""

    keys: list[torch.Tensor] = field(default_factory=list)
    values: list[torch.Tensor] = field(default_factory=list)

    def __len__(self) -> int:
        return self.keys[0].shape[2] if self.keys else 0

    def copy(self) -> "KeyValueCache":
        """A cache that can grow without changing this one; the tensors are shared."""
        return KeyValueCache(list(self.keys), list(self.values))


class _Attention(nn.Module):
    def __init__(self, hidden: int, heads: int, kv_heads: int, rope_theta: float) -> None:
        super().__init__()
        self.head_dim = hidden // heads
        self.rope_theta = rope_theta
        for prefix in ("", "beacon_"):
            setattr(self, f"{prefix}q_proj", nn.Linear(hidden, heads * self.head_dim))
            setattr(self, f"{prefix}k_proj", nn.Linear(hidden, kv_heads * self.head_dim))
            setattr(self, f"{prefix}v_proj", nn.Linear(hidden, kv_heads * self.head_dim))
        self.o_proj = nn.Linear(heads * self.head_dim, hidden, bias=False)

    def _project(self, name: str, hidden: torch.Tensor, is_beacon: torch.Tensor) -> torch.Tensor:
        """Project ordinary tokens and beacons with their own weights; [B, heads, T, head_dim]."""
        projected = getattr(self, f"{name}_proj")(hidden)
        if is_beacon.any():
            beacons = getattr(self, f"beacon_{name}_proj")(hidden[:, is_beacon])
            projected = projected.index_copy(1, is_beacon.nonzero()[:, 0], beacons.to(projected.dtype))
        return projected.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def _rotate(self, heads: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        half = self.head_dim // 2
        exponents = torch.arange(half, device=heads.device, dtype=torch.float32) / half
        angles = positions[:, None].float() / self.rope_theta**exponents
        cosines, sines = (t.repeat(1, 2).to(heads.dtype) for t in (angles.cos(), angles.sin()))
        turned = torch.cat([-heads[..., half:], heads[..., :half]], dim=-1)
        return heads * cosines + turned * sines

    def forward(
        self, hidden: torch.Tensor, is_beacon: torch.Tensor, past: tuple[torch.Tensor, torch.Tensor] | None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the output and the new tokens' keys (before rotation) and values."""
        query, key, value = (self._project(name, hidden, is_beacon) for name in "qkv")
        keys, values = key, value
        if past is not None:
            keys, values = torch.cat([past[0], key], dim=2), torch.cat([past[1], value], dim=2)
        positions = torch.arange(keys.shape[2], device=hidden.device)
        new = query.shape[2]
        mask = positions[None] <= positions[-new:, None]
        attended = F.scaled_dot_product_attention(
            self._rotate(query, positions[-new:]),
            self._rotate(keys, positions),
            values,
            attn_mask=mask,
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

    def __init__(self, hidden: int, intermediate: int, heads: int, kv_heads: int, eps: float, theta: float) -> None:
        super().__init__()
        self.self_attn = _Attention(hidden, heads, kv_heads, theta)
        self.mlp = _FeedForward(hidden, intermediate)
        self.input_layernorm = nn.RMSNorm(hidden, eps)
        self.post_attention_layernorm = nn.RMSNorm(hidden, eps)

    def forward(
        self, hidden: torch.Tensor, is_beacon: torch.Tensor, past: tuple[torch.Tensor, torch.Tensor] | None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return hidden states [B, T, hidden] and the new keys and values [B, kv_heads, T, head_dim]."""
        attended, key, value = self.self_attn(self.input_layernorm(hidden), is_beacon, past)
        hidden = hidden + attended
        return hidden + self.mlp(self.post_attention_layernorm(hidden)), key, value


class BeaconModel(nn.Module):
    """Embeddings, layers and final norm. It has no notion of images."""

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
        self.embed_tokens = nn.Embedding(vocab_size, hidden_size)
        self.beacon_embed_tokens = nn.Embedding(1, hidden_size)
        self.layers = nn.ModuleList(
            BeaconLayer(
                hidden_size, intermediate_size, num_attention_heads, num_key_value_heads, rms_norm_eps, rope_theta
            )
            for _ in range(num_hidden_layers)
        )
        self.norm = nn.RMSNorm(hidden_size, rms_norm_eps)

    def extend(self, embeddings: torch.Tensor, cache: KeyValueCache, ratio: int | None = None) -> torch.Tensor:
        """Run tokens [B, T, hidden] after what the cache holds, and put their keys and values into it.

        With `ratio` one beacon follows each `ratio` tokens, and only the beacons enter the cache; T must be a multiple.
        Positions are counted from the start of the cache, beacons included. Returns normed hidden states.
        """
        if ratio is None:
            is_beacon = torch.zeros(embeddings.shape[1], dtype=torch.bool, device=embeddings.device)
        else:
            embeddings = self._with_beacons(embeddings, ratio)
            is_beacon = torch.arange(embeddings.shape[1], device=embeddings.device) % (ratio + 1) == ratio
        kept = slice(None) if ratio is None else is_beacon
        filled = bool(cache.keys)
        hidden = embeddings
        for index, layer in enumerate(self.layers):
            past = (cache.keys[index], cache.values[index]) if filled else None
            hidden, key, value = layer(hidden, is_beacon, past)
            key, value = key[:, :, kept], value[:, :, kept]
            if past is None:
                cache.keys.append(key)
                cache.values.append(value)
            else:
                cache.keys[index] = torch.cat([past[0], key], dim=2)
                cache.values[index] = torch.cat([past[1], value], dim=2)
        return self.norm(hidden)

    def _with_beacons(self, embeddings: torch.Tensor, ratio: int) -> torch.Tensor:
        batch, count, hidden = embeddings.shape
        if count % ratio:
            raise ValueError(f"{count} tokens cannot be compressed {ratio} to one: give a multiple of {ratio}.")
        beacon = self.beacon_embed_tokens.weight.to(embeddings.dtype).expand(batch, count // ratio, 1, hidden)
        return torch.cat([embeddings.unflatten(1, (-1, ratio)), beacon], dim=2).flatten(1, 2)
