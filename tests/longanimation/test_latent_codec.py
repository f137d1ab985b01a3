# SPDX-License-Identifier: GPL-3.0-or-later
"""The VAE works on any number of pictures of any size. The published one runs on the meta device: shapes, no memory."""

import logging
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKLCogVideoX

from server.longanimation.latent_codec import TILE, LatentCodecMixin, fits_whole
from server.longanimation.published import VAE

TINY = Path(__file__).parents[2] / "server" / "weights" / "tiny"
TRAINING_SIZE = (576, 1024)


class Codec(LatentCodecMixin):
    """A pipeline's latent codec without the rest of the pipeline."""

    def __init__(self, vae: AutoencoderKLCogVideoX) -> None:
        self.vae = vae
        self._execution_device = vae.device


@pytest.fixture(scope="module")
def published() -> AutoencoderKLCogVideoX:
    with torch.device("meta"):
        return AutoencoderKLCogVideoX(**VAE)


def latents(count: int, frames: int, height: int, width: int) -> torch.Tensor:
    return torch.empty(count, frames, 16, height // 8, width // 8, device="meta")


@pytest.mark.parametrize(("count", "size"), [(4, TRAINING_SIZE), (1, (1088, 1920))])
@torch.no_grad()
def test_diffusers_splits_large_inputs_into_parts_shorter_than_the_kernel(
    published: AutoencoderKLCogVideoX, count: int, size: tuple[int, int]
) -> None:
    """If this passes no more, Diffusers has mended its convolution, and `fits_whole` can go."""
    published.disable_slicing()
    published.disable_tiling()
    with pytest.raises(RuntimeError, match="Kernel size can't be greater than actual input size"):
        published.decode(latents(count, 3, *size).transpose(1, 2))


@torch.no_grad()
def test_four_colorings_of_the_training_size_are_decoded_and_encoded(published: AutoencoderKLCogVideoX) -> None:
    codec = Codec(published)
    assert codec.decode_video(latents(4, 3, *TRAINING_SIZE)).shape == (4, 9, 3, *TRAINING_SIZE)
    signal = torch.empty(6, 1, 3, *TRAINING_SIZE, device="meta")
    assert codec.encode_video(signal, None).shape == (6, 1, 16, 72, 128)
    assert not published.use_tiling


@pytest.mark.parametrize("frames", [1, 5])
@torch.no_grad()
def test_the_largest_picture_that_is_decoded_whole_does_not_fail(
    published: AutoencoderKLCogVideoX, frames: int
) -> None:
    assert fits_whole(published, 1360 * 768)
    assert fits_whole(published, 1024 * 1360) and not fits_whole(published, 1024 * 1376)
    Codec(published).decode_video(latents(1, frames, 1024, 1360))
    assert not published.use_tiling


@torch.no_grad()
def test_larger_pictures_are_decoded_in_tiles() -> None:
    """A wide VAE reaches the limit at few tiles, whose decoding takes no time."""
    with torch.device("meta"):
        wide = AutoencoderKLCogVideoX(**{**VAE, "block_out_channels": (4096,) * 4, "layers_per_block": 1})
    height, width = 256, 384
    assert fits_whole(wide, TILE[0] * TILE[1]) and not fits_whole(wide, height * width)
    assert Codec(wide).decode_video(latents(1, 1, height, width)).shape == (1, 1, 3, height, width)
    assert wide.use_tiling


@pytest.fixture
def tiny() -> Codec:
    return Codec(AutoencoderKLCogVideoX.from_pretrained(TINY, subfolder="vae"))


@pytest.fixture
def run_out(tiny: Codec, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[bool]]:
    """Let an operation of the VAE run out of memory so many times. Returns whether each call was in tiles."""

    def prepare(operation: str, times: int) -> list[bool]:
        calls: list[bool] = []
        attempts: list[weakref.ref[torch.Tensor]] = []
        real = getattr(tiny.vae, operation)

        def short_of_memory(video: torch.Tensor) -> Any:
            assert not any(attempt() is not None for attempt in attempts), "the failed attempt still holds memory"
            calls.append(tiny.vae.use_tiling)
            result = real(video)
            if len(calls) <= times:
                attempts.append(weakref.ref(result.sample if operation == "decode" else result.latent_dist.mean))
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 18.00 GiB.")
            return result

        monkeypatch.setattr(tiny.vae, operation, short_of_memory)
        return calls

    return prepare


def tall_latents() -> torch.Tensor:
    """Latents of a picture of 264 rows, which takes two tiles, [1, 1, C, h, w]."""
    return torch.randn(1, 1, 8, 66, 12, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def test_a_decoding_that_runs_out_of_memory_is_repeated_in_tiles_as_are_all_after_it(
    tiny: Codec, run_out: Callable[..., list[bool]], caplog: pytest.LogCaptureFixture
) -> None:
    tiny.tiled = frozenset({"decode"})
    tiles = tiny.decode_video(tall_latents())
    tiny.tiled = frozenset()
    whole = tiny.decode_video(tall_latents())
    assert not torch.equal(whole, tiles)
    calls = run_out("decode", times=1)
    assert torch.equal(tiny.decode_video(tall_latents()), tiles)
    assert torch.equal(tiny.decode_video(tall_latents()), tiles)
    assert calls == [False, True, True]
    (record,) = caplog.records
    assert record.levelno == logging.WARNING and "the VAE will decode in tiles from here on" in record.message
    tiny.encode_video(whole, None)
    assert not tiny.vae.use_tiling, "encoding needs less, and stays as it is"


@torch.no_grad()
def test_an_encoding_that_runs_out_of_memory_draws_as_if_it_had_been_in_tiles(
    tiny: Codec, run_out: Callable[..., list[bool]]
) -> None:
    signal = torch.rand(1, 1, 3, 264, 48, generator=torch.Generator().manual_seed(0)) * 2 - 1
    tiny.tiled = frozenset({"encode"})
    tiles = tiny.encode_video(signal, torch.Generator().manual_seed(1))
    tiny.tiled = frozenset()
    calls = run_out("encode", times=1)
    assert torch.equal(tiny.encode_video(signal, torch.Generator().manual_seed(1)), tiles)
    assert calls == [False, True]


@torch.no_grad()
def test_tiles_that_run_out_of_memory_are_not_repeated(tiny: Codec, run_out: Callable[..., list[bool]]) -> None:
    calls = run_out("decode", times=3)
    with pytest.raises(torch.OutOfMemoryError):
        tiny.decode_video(tall_latents())
    assert calls == [False, True]
