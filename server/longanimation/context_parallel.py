# SPDX-License-Identifier: GPL-3.0-or-later
"""Context parallelism: several processes, each with a GPU, share the video tokens of one segment.

Nearly everything in the networks works on each token alone, so each process takes its part of the tokens. Attention
needs all tokens, but works on each head alone. So before it, the processes exchange heads for tokens: each gives away
its tokens in the other processes' heads, and gets all tokens in its own heads. After it, they exchange them back
(DeepSpeed-Ulysses, Jacobs et al. 2023, arXiv:2309.14509). Text tokens are few, and every process has them all.

Diffusers has this for models that call its own attention functions. CogVideoX calls PyTorch's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import CogVideoXTransformer3DModel
from diffusers.models.attention_processor import Attention, CogVideoXAttnProcessor2_0
from torch import distributed
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode


class ContextParallelError(ValueError):
    """A preset's `context_parallel` cannot be used here. The message says why, and which values can."""


@dataclass(frozen=True)
class Share:
    """The share of one process. rank: its number; size: how many processes there are. They are the processes of
    `torch.distributed`'s default group. By default, one process has everything, and nothing is exchanged."""

    rank: int = 0
    size: int = 1

    def lengths(self, tokens: int) -> list[int]:
        """Return how many of `tokens` tokens each process has. The first ones have one more where there is a rest."""
        return [tokens // self.size + (rank < tokens % self.size) for rank in range(self.size)]

    def split(self, tokens: torch.Tensor, dim: int = 1) -> torch.Tensor:
        """Return this process's part of tokens, a view."""
        return tokens.tensor_split(self.size, dim)[self.rank]

    def gather(self, part: torch.Tensor, tokens: int) -> torch.Tensor:
        """Return all tokens [B, tokens, …], of which this process has `part`."""
        lengths = self.lengths(tokens)
        sent = part.transpose(0, 1).repeat(self.size, *[1] * (part.ndim - 1))
        return self._exchange(sent, [len(sent) // self.size] * self.size, lengths).transpose(0, 1)

    def heads_for_tokens(self, parts: torch.Tensor, tokens: int) -> torch.Tensor:
        """Exchange this process's tokens in all heads [B, heads, part, D] for all tokens in its heads
        [B, heads / size, tokens, D]."""
        lengths = self.lengths(tokens)
        sent = parts.unflatten(1, (self.size, -1)).permute(1, 3, 0, 2, 4).flatten(0, 1)
        return self._exchange(sent, [lengths[self.rank]] * self.size, lengths).permute(1, 2, 0, 3)

    def tokens_for_heads(self, parts: torch.Tensor) -> torch.Tensor:
        """Undo `heads_for_tokens`."""
        lengths = self.lengths(parts.shape[2])
        received = self._exchange(parts.permute(2, 0, 1, 3), lengths, [lengths[self.rank]] * self.size)
        return received.unflatten(0, (self.size, -1)).permute(2, 0, 3, 1, 4).flatten(1, 2)

    def _exchange(self, sent: torch.Tensor, lengths: Sequence[int], received: Sequence[int]) -> torch.Tensor:
        """Send each process its part of the first dimension, of the given lengths; return what they sent."""
        if self.size == 1:
            return sent
        result = sent.new_empty(sum(received), *sent.shape[1:])
        distributed.all_to_all_single(result, sent.contiguous(), list(received), list(lengths))
        return result


WHOLE = Share()
"""The share of a process that has everything."""


class SharedAttention(CogVideoXAttnProcessor2_0):
    """Joint attention of text and video, of which this process has a share of the video tokens. Diffusers' processor
    does everything else."""

    def __init__(self, share: Share) -> None:
        super().__init__()
        self._share = share

    def __call__(
        self,
        attn: Attention,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        image_rotary_emb: tuple[torch.Tensor, torch.Tensor] | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """See Diffusers' processor. hidden_states: this process's video tokens. encoder_hidden_states: all text tokens.
        image_rotary_emb: of all video tokens, [N, head_dim]."""
        cosines, sines = image_rotary_emb  # type: ignore[misc]  # CogVideoX-1.5 always has them
        rotary = self._share.split(cosines, 0), self._share.split(sines, 0)
        with _HeadsForTokens(self._share, encoder_hidden_states.shape[1], len(cosines)):
            return super().__call__(attn, hidden_states, encoder_hidden_states, attention_mask, rotary)


class _HeadsForTokens(TorchFunctionMode):
    """Makes `scaled_dot_product_attention` attend to all tokens. text, video: numbers of all tokens of each kind."""

    def __init__(self, share: Share, text: int, video: int) -> None:
        super().__init__()
        self._share = share
        self._text = text
        self._video = video

    def __torch_function__(
        self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if function is not F.scaled_dot_product_attention:
            return function(*args, **kwargs)
        share, text = self._share, self._text

        def all_tokens(parts: torch.Tensor) -> torch.Tensor:
            own_text = share.split(parts[:, :, :text], 1)
            return torch.cat([own_text, share.heads_for_tokens(parts[:, :, text:], self._video)], dim=2)

        attended = function(*map(all_tokens, args), **kwargs)
        all_text = share.gather(attended[:, :, :text], args[0].shape[1])
        return torch.cat([all_text, share.tokens_for_heads(attended[:, :, text:])], dim=2)


def share_tokens(model: CogVideoXTransformer3DModel, share: Share) -> None:
    """Make a SketchDiT or a denoising transformer work on this process's share. Its processes must call it in step."""
    model.share = share
    model.set_attn_processor(SharedAttention(share))


def check_heads(heads: int, size: int) -> None:
    """Raise ContextParallelError when `size` processes cannot have equal numbers of a model's attention heads."""
    if heads % size:
        possible = ", ".join(str(number) for number in range(1, heads + 1) if heads % number == 0)
        raise ContextParallelError(
            f"The preset's `context_parallel` is {size}, but so many GPUs cannot share the model's {heads} attention "
            f"heads evenly. Set it to one of {possible}."
        )
