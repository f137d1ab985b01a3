# SPDX-License-Identifier: GPL-3.0-or-later
"""Attention among the pieces of drawings, with rotary embeddings of their places (RoFormer, Su et al. 2021)."""

import math

import torch
from torch import nn
from torch.nn import functional as F

Rotation = tuple[torch.Tensor, torch.Tensor]
"""Cosines and signed sines [..., N, F] of a rotary embedding."""


def place_rotation(centers: torch.Tensor, width: int) -> Rotation:
    """Return the rotary embedding of places [..., N, 2], in heights of the drawing, for heads of `width` features.

    Half of the features turn with the row and the column, from a quarter of a turn to eight turns in a height.
    """
    pairs = width // 2
    count = pairs // 4
    frequency = math.pi / 2 * 2 ** (torch.arange(count, device=centers.device) * (5 / max(1, count - 1)))
    angle = torch.cat([centers[..., :1] * frequency, centers[..., 1:] * frequency], dim=-1)
    angle = F.pad(angle, (0, pairs - angle.shape[-1]))
    cosine, sine = angle.cos(), angle.sin()
    return torch.cat([cosine, cosine], dim=-1), torch.cat([-sine, sine], dim=-1)


class Block(nn.Module):
    """Attention to colored drawings, attention within the drawing, and a feed-forward layer."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(dim)
        self.to_query = nn.Linear(dim, dim, bias=False)
        self.norm_evidence = nn.LayerNorm(dim)
        self.to_key_value = nn.Linear(dim, 2 * dim, bias=False)
        self.to_out = nn.Linear(dim, dim)
        self.norm2 = nn.LayerNorm(dim)
        self.to_qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.to_out_self = nn.Linear(dim, dim)
        self.norm3 = nn.LayerNorm(dim)
        self.up = nn.Linear(dim, 4 * dim)
        self.down = nn.Linear(4 * dim, dim)
        for linear in (self.to_out, self.to_out_self, self.down):
            nn.init.zeros_(linear.weight)
            nn.init.zeros_(linear.bias)

    def key_value(self, x: torch.Tensor, rotation: Rotation) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the keys and values by which others see pieces."""
        key, value = self._split(self.to_key_value(self.norm_evidence(x)), 2)
        return _rotate(key, rotation), value

    def see(
        self, x: torch.Tensor, rotation: Rotation, evidence: tuple[torch.Tensor, torch.Tensor], bias: torch.Tensor
    ) -> torch.Tensor:
        """Attend to colored drawings."""
        (query,) = self._split(self.to_query(self.norm1(x)), 1)
        return x + self.to_out(_attend(_rotate(query, rotation), *evidence, bias))

    def think(self, x: torch.Tensor, rotation: Rotation, bias: torch.Tensor) -> torch.Tensor:
        """Attend to the pieces of the same drawing, then apply the feed-forward layer."""
        parts = self._split(self.to_qkv(self.norm2(x)), 3)
        query, key = _rotate(parts[:2], rotation)
        x = x + self.to_out_self(_attend(query, key, parts[2], bias))
        return x + self.down(F.relu(self.up(self.norm3(x))).square())

    def _split(self, x: torch.Tensor, parts: int) -> torch.Tensor:
        """Split [..., N, parts · dim] into [parts, ..., heads, N, dim / heads]."""
        return x.unflatten(-1, (parts, self.heads, -1)).movedim(-3, 0).transpose(-2, -3)


def _attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """Return softmax(query · key + bias) · value with its heads joined.

    PyTorch's fused attention is faster, but on a processor its gradient is several times slower than that of plain
    products of matrices.
    """
    if query.requires_grad and query.device.type == "cpu":
        scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2) + bias.to(query.dtype)
        found = scores.softmax(dim=-1, dtype=scores.dtype) @ value
    else:
        found = F.scaled_dot_product_attention(query, key, value, attn_mask=bias.to(query.dtype))
    return found.transpose(-2, -3).flatten(-2)


def _rotate(x: torch.Tensor, rotation: Rotation) -> torch.Tensor:
    """Apply a rotary embedding to features [..., heads, N, F]; see `place_rotation`."""
    cosine, sine = (part[..., None, :, :].to(x.dtype) for part in rotation)
    return torch.addcmul(x * cosine, x.roll(x.shape[-1] // 2, dims=-1), sine)
