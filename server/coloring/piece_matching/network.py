# SPDX-License-Identifier: GPL-3.0-or-later
"""The piece matcher: a network that finds each piece of a drawing among the pieces of colored drawings.

Convolutions over the lines, pooled by piece, and small views of each piece make one token of it. The tokens of colored
drawings carry codes of their palette entries; entries have no colors and no order for the network. A drawing's own
tokens attend to those of all colored drawings and to each other, as in feature matching with transformers (SuperGlue,
Sarlin et al. 2020; LoFTR, Sun et al. 2021). At the end, each piece points at pieces of colored drawings, or says that
none of them shows it.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn
from torch.nn import functional as F

from .attention import Block, place_rotation
from .drawn_pieces import DrawnPieces, Shares
from .evidence import CODE, GAPS, Evidence
from .piece_views import VIEWS
from .pieces import GEOMETRY, STRIDE

MULTIPLE = 4 * STRIDE
"""Heights and widths that the network sees are padded to multiples of this."""
NEAR = 1 / 50
"""Distances count in proportion up to about this many heights, and by their logarithm beyond."""
_TARGET = 2
"""The role of a drawing whose entries are to be found, after those of colored drawings."""
_HIDDEN = -1e4


class Tokens(NamedTuple):
    """What the network reads of the pieces of drawings: features [D, N, dim], centers [D, N, 2] and areas [D, N]; see
    `DrawnPieces`."""

    features: torch.Tensor
    centers: torch.Tensor
    areas: torch.Tensor


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


class PieceMatcher(ModelMixin, ConfigMixin):
    """Finds pieces of drawings in colored drawings.

    width: channels of the convolutions at a quarter of the size; the lower levels have two and four times as many. dim:
    of the tokens. descriptor: length of what is compared at the end.
    """

    @register_to_config
    def __init__(self, width: int = 40, dim: int = 320, layers: int = 6, heads: int = 5, descriptor: int = 64) -> None:
        super().__init__()
        half, low = 2 * width, 4 * width
        self.stem = nn.Conv2d(STRIDE**2, width, 3, padding=1)
        self.down4 = nn.Sequential(_Residual(width))
        self.to8 = nn.Conv2d(width, half, 3, stride=2, padding=1)
        self.down8 = nn.Sequential(_Residual(half))
        self.to16 = nn.Conv2d(half, low, 3, stride=2, padding=1)
        self.down16 = nn.Sequential(_Residual(low), _Residual(low))
        self.from16 = nn.Conv2d(low, half, 1)
        self.from8 = nn.Conv2d(half, half, 1)
        self.from4 = nn.Conv2d(width, width, 1)
        self.token = nn.Linear(2 * half + width + GEOMETRY, dim)
        self.view = nn.Sequential(nn.Linear(math.prod(VIEWS), dim), nn.GELU(), nn.Linear(dim, dim))
        self.region = nn.Linear(dim, dim, bias=False)
        self.role = nn.Parameter(torch.zeros(3, dim))
        self.code = nn.Linear(CODE, dim)
        self.confidence = nn.Parameter(torch.zeros(dim))
        self.blocks = nn.ModuleList(Block(dim, heads) for _ in range(layers))
        self.gap = nn.Parameter(torch.zeros(GAPS, layers * heads + 1))
        self.norm_query, self.norm_key = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.to_query, self.to_key = nn.Linear(dim, descriptor), nn.Linear(dim, descriptor)
        self.to_bias, self.to_unseen = nn.Linear(dim, 1), nn.Linear(dim, 1)
        self.log_scale = nn.Parameter(torch.tensor(2.5))
        self.to_nearness = nn.Linear(dim, GAPS)
        nn.init.zeros_(self.to_nearness.weight)
        with torch.no_grad():
            self.to_nearness.bias.copy_(torch.linspace(1, -2, GAPS).roll(1))

    def encode(self, drawn: DrawnPieces) -> Tokens:
        """Read the pieces of drawings."""
        height, width = drawn.line_art.shape[1:]
        darkness = 1 - drawn.line_art.to(self.dtype) / 255
        padded = F.pad(darkness, (0, -width % MULTIPLE, 0, -height % MULTIPLE))
        x = F.pixel_unshuffle(padded[:, None], STRIDE)
        quarter = self.down4(self.stem(x.contiguous(memory_format=torch.channels_last)))
        eighth = self.down8(self.to8(F.silu(quarter)))
        low = self.down16(self.to16(F.silu(eighth)))
        low = F.interpolate(self.from16(F.silu(low)), scale_factor=2, mode="nearest")
        eighth = torch.cat([low, self.from8(F.silu(eighth))], dim=1)
        quarter = self.from4(F.silu(quarter))
        shape = drawn.areas.shape
        pooled = torch.cat(
            [
                _pool(features[..., : -(-height // stride), : -(-width // stride)], shares, shape)
                for features, shares, stride in ((quarter, drawn.fine, STRIDE), (eighth, drawn.coarse, 2 * STRIDE))
            ],
            dim=-1,
        )
        tokens = self.token(torch.cat([pooled, drawn.geometry], dim=-1).to(self.dtype))
        tokens = tokens + self.view(drawn.views.flatten(2).to(self.dtype) / 255)
        return Tokens(tokens + self.region(_region_mean(tokens, drawn)), drawn.centers, drawn.areas)

    def read(
        self, tokens: Tokens, codes: torch.Tensor, confidence: torch.Tensor, role: int
    ) -> tuple[list[tuple[torch.Tensor, torch.Tensor]], torch.Tensor]:
        """Read colored drawings. Returns the `layers` and the `features` of `Evidence`, for each of D drawings.

        codes: [D, N, CODE], the mean code of each piece's palette entries. confidence: [D, N], 1 for what is certain.
        """
        x = tokens.features + self.code(codes) + confidence[..., None] * self.confidence + self.role[role]
        rotation = place_rotation(tokens.centers, self.config.dim // self.config.heads)
        bias = _hide(tokens.areas)[:, None, None]
        layers = []
        for block in self.blocks:
            layers.append(block.key_value(x, rotation))
            x = block.think(x, rotation, bias)
        return layers, x

    def find(self, tokens: Tokens, evidence: Evidence, at: Sequence[int] = (-1,)) -> list[torch.Tensor]:
        """Return the probabilities [Q, N, C + 1] of the palette entries of the pieces of Q drawings, and, last, that no
        colored drawing shows the piece. There is one result for each layer in `at`.
        """
        x = tokens.features + self.role[_TARGET]
        rotation = place_rotation(tokens.centers, self.config.dim // self.config.heads)
        hidden = _hide(evidence.areas)
        bias = hidden[..., None] + self.gap[evidence.gaps]
        *by_layer, last = bias.split((*[self.config.heads] * len(self.blocks), 1), dim=-1)
        own = _hide(tokens.areas)[:, None, None]
        wanted = [layer % len(self.blocks) for layer in at]
        found = []
        for index, (block, seen, bias) in enumerate(zip(self.blocks, evidence.layers, by_layer, strict=True)):
            x = block.see(x, rotation, seen, bias.transpose(1, 2)[:, :, None])
            x = block.think(x, rotation, own)
            if index in wanted:
                found.append(self._point(x, tokens.centers, evidence, last[..., 0]))
        return found

    def _point(self, x: torch.Tensor, centers: torch.Tensor, evidence: Evidence, bias: torch.Tensor) -> torch.Tensor:
        """Return the probabilities of the entries, and that a piece is unseen. How much distance counts depends on the
        piece and on the gap: what was drawn just before is near, and another camera shows it anywhere."""
        query, key = self.norm_query(x), self.norm_key(evidence.features)
        unseen = self.to_unseen(query).float()
        bias = bias + self.to_bias(key).float()[..., 0] + evidence.areas.clamp(min=1e-6).log() / 2
        nearness = F.softplus(self.to_nearness(query).float())
        query, key = (F.normalize(part.float(), dim=-1) for part in (self.to_query(query), self.to_key(key)))
        with torch.autocast(x.device.type, enabled=False):
            distance = torch.cdist(centers, evidence.centers, compute_mode="donot_use_mm_for_euclid_dist")
            by_gap = F.one_hot(evidence.gaps, GAPS).float().transpose(1, 2)
            scores = self.log_scale.exp() * query @ key.transpose(1, 2) + bias[:, None].float()
            scores = scores - (nearness @ by_gap) * (distance / NEAR).log1p()
            chances = torch.cat([scores, unseen], dim=-1).softmax(dim=-1)
            return torch.cat([chances[..., :-1] @ evidence.entries.float(), chances[..., -1:]], dim=-1)


def _hide(areas: torch.Tensor) -> torch.Tensor:
    """Return what is added to scores, to leave out pieces without area."""
    return torch.where(areas > 0, 0.0, _HIDDEN)


def _pool(features: torch.Tensor, shares: Shares, shape: torch.Size) -> torch.Tensor:
    """Return the mean [D, N, C] of features [D, C, h, w] over each piece; shape: (D, N)."""
    flat = features.permute(0, 2, 3, 1).flatten(0, 2).float()
    means = F.embedding_bag(shares.feature, flat, shares.first, mode="sum", per_sample_weights=shares.weight)
    return means.unflatten(0, shape)


def _region_mean(tokens: torch.Tensor, drawn: DrawnPieces) -> torch.Tensor:
    """Return, for each token [D, N, dim], the mean over all pieces of its closed region, by area.

    A product of matrices gives the same result each time, also on a GPU, where `index_add` does not.
    """
    weight = (drawn.regions[:, :, None] == drawn.regions[:, None]) * drawn.areas[:, None]
    weight = weight / weight.sum(dim=2, keepdim=True).clamp(min=1e-9)
    return weight.to(tokens.dtype) @ tokens
