# SPDX-License-Identifier: GPL-3.0-or-later
"""The line matcher: a network whose features match the same part in different line drawings.

It is a convolutional U-net. The transformer at its bottom attends to all drawings of a window at once, as detector-free
matching does (LoFTR, Sun et al. 2021). The network sees only lines; `labeled_descriptors.match` copies the colors.
"""

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn
from torch.nn import functional as F

from .features import Features, position_grid

STRIDE = 4
"""Pixels per feature, in each direction."""
MULTIPLE = 16
"""Heights and widths must be multiples of this."""

KEYFRAME = 0
"""The role of a keyframe, whose painting is correct. Those of finished drawings follow, by how far they are in time."""
_GAPS = 1, 4
"""The largest gaps of the roles of finished drawings, except the last one's."""
_OFFSET_UNIT = 16.0
"""How far one unit of the network's output moves a position, in features. Outputs near 1 are learned faster."""


class _Residual(nn.Module):
    """Two convolutions with a skip connection. It has no norm, so that the amount of empty paper does not matter."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(width, width, 3, padding=1)
        self.conv_out = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.conv_out.weight)
        nn.init.zeros_(self.conv_out.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv_out(F.silu(self.conv_in(F.silu(x))))


class _Block(nn.Module):
    """Attention among all tokens of a window, then a feed-forward layer."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(dim)
        self.to_qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.to_out = nn.Linear(dim, dim)
        self.norm2 = nn.LayerNorm(dim)
        self.up = nn.Linear(dim, 4 * dim)
        self.down = nn.Linear(4 * dim, dim)
        for linear in (self.to_out, self.down):  # a block that is added to trained weights changes nothing at first
            nn.init.zeros_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(self, x: torch.Tensor, rotation: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        query, key, value = self.to_qkv(self.norm1(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        query, key = (_rotate(t, rotation) for t in (query, key))
        attended = _attend(query, key, value)
        x = x + self.to_out(attended.transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))


def _attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Return softmax(query · key / √F) · value.

    PyTorch's fused attention is faster, but on a processor its gradient is several times slower than that of plain
    products of matrices.
    """
    if query.requires_grad and query.device.type == "cpu":
        return (query * query.shape[-1] ** -0.5 @ key.transpose(-1, -2)).softmax(dim=-1) @ value
    return F.scaled_dot_product_attention(query, key, value)


def _rotate(x: torch.Tensor, rotation: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    cosine, sine = (part.to(x.dtype) for part in rotation)
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], dim=-1)


class LineMatcher(ModelMixin, ConfigMixin):
    """Features of line art.

    width: channels at a quarter of the size; the lower levels have two and four times as many. features: channels of a
    descriptor. roles: of colored drawings; with two, all finished drawings have the same one.
    """

    @register_to_config
    def __init__(self, width: int = 48, layers: int = 10, heads: int = 4, features: int = 64, roles: int = 4) -> None:
        super().__init__()
        half, low = 2 * width, 4 * width
        self.stem = nn.Conv2d(STRIDE**2, width, 3, padding=1)
        self.down4 = nn.Sequential(_Residual(width), _Residual(width))
        self.area_in, self.area_out = (nn.Conv2d(width, width, 1) for _ in range(2))
        for conv in (self.area_in, self.area_out):
            nn.init.zeros_(conv.weight)
            nn.init.zeros_(conv.bias)
        self.to8 = nn.Conv2d(width, half, 3, stride=2, padding=1)
        self.down8 = nn.Sequential(_Residual(half), _Residual(half))
        self.to16 = nn.Conv2d(half, low, 3, stride=2, padding=1)
        self.down16 = nn.Sequential(_Residual(low), _Residual(low))
        self.role = nn.Parameter(torch.zeros(2, low))
        self.blocks = nn.ModuleList(_Block(low, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(low)
        self.from16 = nn.Conv2d(low, 4 * half, 1)
        self.up8 = nn.Sequential(_Residual(half), _Residual(half))
        self.from8 = nn.Conv2d(half, 4 * width, 1)
        self.up4 = nn.Sequential(_Residual(width), _Residual(width))
        self.out = nn.Conv2d(width, features, 1)
        self.out_place = nn.Conv2d(width, 4, 1)
        nn.init.zeros_(self.out_place.weight)
        nn.init.zeros_(self.out_place.bias)
        # Scale of the descriptors' similarity and weight of the distance, by the role of a colored drawing.
        self.log_scale = nn.Parameter(torch.full((roles,), 2.3))
        self.log_reach = nn.Parameter(torch.tensor([-3.0, *[-1.0] * (roles - 1)]))
        self.bias = nn.Parameter(torch.zeros(roles))

    def role_of(self, gap: int) -> int:
        """Return the role of a finished drawing that is `gap` drawings before or after the one that asks."""
        return min(1 + sum(gap > largest for largest in _GAPS), self.config.roles - 1)

    def forward(self, line_art: torch.Tensor, areas: torch.Tensor, keyframes: int = 1) -> Features:
        """Return the features [B, T, H/4, W/4].

        line_art: darkness [B, T, H, W], 0 for paper and 1 for lines. The first `keyframes` drawings of each window are
        keyframes, in any order; the others are in the order of the shot.
        """
        batch, count = line_art.shape[:2]
        x = F.pixel_unshuffle(line_art.flatten(0, 1)[:, None], STRIDE).contiguous(memory_format=torch.channels_last)
        quarter = self.down4(self.stem(x))
        spread = _AreaMean(areas)
        quarter = quarter + self.area_in(F.silu(spread(quarter)))
        eighth = self.down8(self.to8(F.silu(quarter)))
        low = self.down16(self.to16(F.silu(eighth)))
        rows, columns = low.shape[-2:]
        tokens = low.flatten(2).transpose(1, 2).unflatten(0, (batch, count))
        roles = self.role.repeat_interleave(torch.tensor([keyframes, count - keyframes], device=x.device), 0)
        tokens = (tokens + roles[:, None]).flatten(0, 1)
        times = torch.arange(1 - keyframes, count - keyframes + 1, device=x.device).clamp(min=0)
        cosine, sine = _rotation(times, rows, columns, tokens.shape[-1] // self.config.heads)
        within = cosine[: rows * columns], sine[: rows * columns]
        for index, block in enumerate(self.blocks):
            if index % 2:
                tokens = block(tokens, within)
            else:
                joint = block(tokens.view(batch, -1, tokens.shape[-1]), (cosine, sine))
                tokens = joint.view(batch * count, -1, tokens.shape[-1])
        tokens = self.norm(tokens)
        low = tokens.transpose(1, 2).unflatten(2, (rows, columns)).contiguous(memory_format=torch.channels_last)
        eighth = self.up8(eighth + F.pixel_shuffle(self.from16(low), 2))
        quarter = self.up4(quarter + F.pixel_shuffle(self.from8(F.silu(eighth)), 2))
        quarter = quarter + self.area_out(F.silu(spread(quarter)))
        quarter = F.silu(quarter)
        descriptors, offsets_and_weights = (
            out(quarter).float().permute(0, 2, 3, 1) for out in (self.out, self.out_place)
        )
        offsets, weights = offsets_and_weights.split(2, dim=-1)
        positions = (
            position_grid(descriptors.shape[1], descriptors.shape[2], descriptors.device) + _OFFSET_UNIT * offsets
        )
        sharpness, distance_weight = weights.exp().unbind(-1)
        features = Features(F.normalize(descriptors, dim=-1), positions, sharpness, distance_weight)
        return features.unflatten((batch, count))


class _AreaMean:
    """The mean of features over connected areas of paper."""

    def __init__(self, areas: torch.Tensor) -> None:
        flat = areas.flatten(0, 1).flatten(1)
        size = int(flat.max()) + 1
        self.index = (flat + size * torch.arange(len(flat), device=flat.device)[:, None]).flatten()
        self.count = size * len(flat)
        self.mass = torch.bincount(self.index, minlength=self.count).clamp(min=1).float()[:, None]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.permute(0, 2, 3, 1).reshape(-1, x.shape[1]).float()
        mean = rows.new_zeros(self.count, x.shape[1]).index_add(0, self.index, rows) / self.mass
        spread = mean[self.index].to(x.dtype)
        return spread.view(x.shape[0], x.shape[2], x.shape[3], -1).permute(0, 3, 1, 2)


def _rotation(times: torch.Tensor, rows: int, columns: int, head_dim: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the cosines and sines [tokens, head_dim / 2] of the rotary embedding. An eighth of the pairs encodes the
    time of the drawing, the rest the row and column."""
    device = times.device
    pairs = head_dim // 2
    time, space = pairs // 8, (pairs - pairs // 8) // 2
    axes = torch.meshgrid(
        times,
        torch.arange(rows, device=device),
        torch.arange(columns, device=device),
        indexing="ij",
    )
    angles = []
    for position, width, longest in zip(axes, (time, space, pairs - time - space), (8, 64, 64), strict=True):
        frequency = longest ** -(torch.arange(width, device=device) / width)
        angles.append(position.flatten()[:, None] * frequency)
    angle = torch.cat(angles, dim=1)
    return angle.cos(), angle.sin()
