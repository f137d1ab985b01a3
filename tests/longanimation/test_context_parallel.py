# SPDX-License-Identifier: GPL-3.0-or-later
"""The tokens of a segment are shared by several processes, and its frames are as those of one process."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from diffusers.models.attention_processor import CogVideoXAttnProcessor2_0

from server.longanimation.context_parallel import ContextParallelError, Share, SharedAttention, check_heads
from server.longanimation.rotary import rotary_embedding
from server.longanimation.sampling_schedule import SamplingSchedule
from server.longanimation.tiny import tiny_sketch_dit, tiny_transformer

Exchange = Callable[[Share, torch.Tensor, Sequence[int], Sequence[int]], torch.Tensor]


def exchange_in_threads(size: int) -> Exchange:
    """`torch.distributed.all_to_all_single` for threads."""
    barrier = threading.Barrier(size, timeout=60)
    sent: dict[int, tuple[torch.Tensor, ...]] = {}

    def exchange(share: Share, tensor: torch.Tensor, lengths: Sequence[int], received: Sequence[int]) -> torch.Tensor:
        sent[share.rank] = tensor.split(list(lengths))
        barrier.wait()
        parts = [sent[rank][share.rank] for rank in range(size)]
        barrier.wait()
        assert [len(part) for part in parts] == list(received)
        return torch.cat(parts)

    return exchange


@pytest.mark.parametrize("size", [1, 2, 4])
@torch.no_grad()
def test_attention_with_shared_tokens_is_that_of_one_process(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Share, "_exchange", exchange_in_threads(size))
    torch.manual_seed(0)
    transformer = tiny_transformer()
    attention = transformer.transformer_blocks[0].attn1
    rotary = rotary_embedding(transformer, 3, 12, 20)
    tokens = len(rotary[0])
    assert tokens % 2, "shares of several lengths"
    video, text = torch.randn(2, tokens, 256), torch.randn(2, 7, 256)
    whole = CogVideoXAttnProcessor2_0()(attention, video, text, image_rotary_emb=rotary)

    def attend(rank: int) -> tuple[torch.Tensor, torch.Tensor]:
        with torch.no_grad():
            share = Share(rank, size)
            own, text_again = SharedAttention(share)(attention, share.split(video), text, image_rotary_emb=rotary)
            return share.gather(own, tokens), text_again

    with ThreadPoolExecutor(size) as pool:
        for of_video, of_text in pool.map(attend, range(size)):
            assert torch.allclose(of_video, whole[0], atol=1e-6)
            assert torch.allclose(of_text, whole[1], atol=1e-6)


def test_shares_of_tokens_differ_by_one_at_most() -> None:
    tokens = torch.arange(11)[None]
    assert [Share(rank, 4).split(tokens).tolist() for rank in range(4)] == [
        [[0, 1, 2]],
        [[3, 4, 5]],
        [[6, 7, 8]],
        [[9, 10]],
    ]
    assert Share(0, 4).lengths(11) == [3, 3, 3, 2]


def test_heads_that_cannot_be_shared_are_refused() -> None:
    check_heads(48, 6)
    with pytest.raises(
        ContextParallelError, match=r"`context_parallel` is 5.*48 attention heads.* 1, 2, 3, 4, 6, 8, 12"
    ):
        check_heads(48, 5)


def test_a_cache_that_decides_for_itself_is_refused() -> None:
    from diffusers import FirstBlockCacheConfig

    transformer = tiny_transformer()
    transformer.share = Share(0, 2)
    with pytest.raises(ValueError, match="cache is for one GPU"):
        SamplingSchedule(cache=FirstBlockCacheConfig()).applied(transformer).__enter__()


def test_models_have_everything_by_default() -> None:
    assert tiny_transformer().share == tiny_sketch_dit().share == Share(0, 1)
