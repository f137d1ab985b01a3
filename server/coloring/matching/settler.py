# SPDX-License-Identifier: GPL-3.0-or-later
"""The settler: a small network that settles the palette entries of the parts of several drawings together.

The matcher asks for each feature alone. The settler sees all parts of a run of drawings beside those of the keyframes:
their votes, what they look like, where they are, and what they touch. It lets parts vote for each other, several rounds
long, with weights that it has learned, as the mean-field inference of a conditional random field does (Krähenbühl and
Koltun, "Efficient Inference in Fully Connected CRFs with Gaussian Edge Potentials", 2011; learned as in Zheng et al.,
"Conditional Random Fields as Recurrent Neural Networks", 2015). It knows nothing about single entries, so it works for
any palette.
"""

from collections.abc import Sequence

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn
from torch.nn import functional as F

from .parts import GEOMETRY, Parts, overlaps

RUN = 8
"""Drawings that are settled at once, beside the keyframes, as in training."""
_STRIDE = 4
_TRAITS, _PAIR = 5, 14
_FLOOR, _MESSAGE_FLOOR = 0.01, 0.02
"""Are added to votes before the logarithm."""


class _Round(nn.Module):
    """Attention among all parts, and the votes that they give each other by it."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.to_qkv = nn.Linear(width, 3 * width, bias=False)
        self.to_out = nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 3 * width), nn.Linear(3 * width, width)
        self.agreement = nn.Parameter(torch.zeros(heads))
        self.gate = nn.Linear(width, 2 * heads + 1)
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.gate.weight)  # at first, nothing changes
        nn.init.zeros_(self.gate.bias)

    def forward(
        self, x: torch.Tensor, votes: torch.Tensor, prior: torch.Tensor, bias: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the parts [n, width], and what is added to their logits [n, N].

        prior: the first logits. bias: what the relations of parts add to the scores of attention, [heads, n, n].
        """
        query, key, value = self.to_qkv(self.norm1(x)).view(len(x), 3, self.heads, -1).permute(1, 2, 0, 3)
        score = query @ key.transpose(1, 2) * query.shape[-1] ** -0.5
        score = score + bias + self.agreement[:, None, None] * (votes @ votes.T)
        weights = score.softmax(dim=-1)
        x = x + self.dropout(self.to_out((weights @ value).transpose(0, 1).flatten(1)))
        x = x + self.dropout(self.down(F.gelu(self.up(self.norm2(x)))))
        heard = weights @ votes
        for_share, for_logarithm, own = self.gate(x).split([self.heads, self.heads, 1], dim=1)
        message = torch.einsum("nh,hne->ne", 3 * for_share, heard)
        message = message + torch.einsum("nh,hne->ne", for_logarithm, (heard + _MESSAGE_FLOOR).log())
        return x, message + own * prior


class Settler(ModelMixin, ConfigMixin):
    """The settler. descriptors: channels of the matcher's descriptors."""

    @register_to_config
    def __init__(
        self,
        width: int = 128,
        heads: int = 4,
        rounds: int = 4,
        relations: int = 24,
        descriptors: int = 64,
        dropout: float = 0.15,
    ) -> None:
        super().__init__()
        self.embed = nn.Linear(descriptors + GEOMETRY + _TRAITS, width)
        self.relate = nn.Sequential(nn.Linear(_PAIR, relations), nn.GELU(), nn.Linear(relations, rounds * heads))
        self.passes = nn.ModuleList(_Round(width, heads, dropout) for _ in range(rounds))

    def forward(self, drawings: Sequence[Parts], keyframes: int, times: torch.Tensor) -> torch.Tensor:
        """Return the logits [n, N] of all n parts of the drawings.

        The first `keyframes` drawings are keyframes, and the others are in the order of the shot. times: [D], the
        numbers of all drawings in the shot.
        """
        first = torch.cat([drawing.votes for drawing in drawings])
        of = torch.arange(len(drawings), device=first.device).repeat_interleave(
            torch.tensor([len(drawing.mass) for drawing in drawings], device=first.device)
        )
        known = of < keyframes
        x = self.embed(_traits(drawings, known, times[of] - times[0]))
        biases = self.relate(_relations(drawings, of, known, times)).permute(2, 0, 1).chunk(len(self.passes))
        prior = (first + _FLOOR).log()
        votes, logits = first, prior
        for step, bias in zip(self.passes, biases, strict=True):
            x, change = step(x, votes, prior, bias)
            logits = logits + change
            votes = torch.where(known[:, None], first, logits.softmax(dim=-1))
        return logits


@torch.no_grad()
def settle(
    settler: Settler, keyframes: Sequence[Parts], drawings: Sequence[Parts], times: Sequence[int]
) -> list[torch.Tensor]:
    """Return the change of the logarithm of the votes [P, N] of each drawing's parts.

    times: the numbers of the keyframes, and then of the drawings, which are in the order of the shot or the reverse.
    Drawings are settled in runs of RUN. Runs overlap, and their changes are averaged.
    """
    last = max(0, len(drawings) - RUN)
    changes = [torch.zeros_like(parts.votes) for parts in drawings]
    seen = [0] * len(drawings)
    for start in sorted({*range(0, last, _STRIDE), last}):
        run = drawings[start : start + RUN]
        numbers = [*times[: len(keyframes)], *times[len(keyframes) + start :][: len(run)]]
        here = torch.tensor(numbers, device=changes[0].device, dtype=torch.float32)
        logits = settler([*keyframes, *run], len(keyframes), here).log_softmax(dim=-1)
        counts = [len(parts.mass) for parts in (*keyframes, *run)]
        for index, (parts, found) in enumerate(zip(run, logits.split(counts)[len(keyframes) :], strict=True), start):
            changes[index] += found - (parts.votes + _FLOOR).log().log_softmax(dim=-1)
            seen[index] += 1
    return [change / count for change, count in zip(changes, seen, strict=True)]


def _traits(drawings: Sequence[Parts], known: torch.Tensor, away: torch.Tensor) -> torch.Tensor:
    """Return what is known of each part alone, [n, …]. away: [n], from the first keyframe, in drawings."""
    votes = torch.cat([drawing.votes for drawing in drawings])
    best = F.pad(votes, (0, 1)).topk(2, dim=1).values
    doubt = -(votes * (votes + 1e-6).log()).sum(dim=1) / 4
    traits = torch.stack([best[:, 0], best[:, 0] - best[:, 1], doubt, known.float(), away.abs().log1p() / 5], dim=1)
    descriptors = F.normalize(torch.cat([drawing.descriptors for drawing in drawings]), dim=1)
    return torch.cat([4 * descriptors, torch.cat([drawing.geometry for drawing in drawings]), traits], dim=1)


def _relations(drawings: Sequence[Parts], of: torch.Tensor, known: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
    """Return what is known of each pair of parts, [n, n, _PAIR]. of: the drawing [n] of each part."""
    descriptors = F.normalize(torch.cat([drawing.descriptors for drawing in drawings]), dim=1)
    geometry = torch.cat([drawing.geometry for drawing in drawings])
    areas = torch.cat([drawing.areas for drawing in drawings])
    same = of[:, None] == of
    contacts = torch.block_diag(*[drawing.contacts for drawing in drawings])
    over = torch.cat([torch.cat([overlaps(a, b) for b in drawings], dim=1) for a in drawings]) * ~same
    asked = ~(known[:, None] | known)
    alike = descriptors @ descriptors.T
    gap = (times[of][:, None] - times[of]).abs()
    size = geometry[:, 7]
    return torch.stack(
        [
            same,
            same & (areas[:, None] == areas),
            (54 * contacts).log1p() / 3,
            over * asked,
            over.T * asked,
            over * ~asked,
            over.T * ~asked,
            gap.log1p() / 4,
            alike.clamp(min=0) ** 4,
            alike,
            _distances(geometry[:, 2:4]),
            _distances(geometry[:, :2]),
            known.expand(len(of), -1),
            (size[:, None] - size).abs(),
        ],
        dim=-1,
    ).float()


def _distances(places: torch.Tensor) -> torch.Tensor:
    """Return how far places [n, 2] are from each other, [n, n], on a logarithmic scale."""
    return (20 * torch.cdist(places, places)).log1p() / 3
