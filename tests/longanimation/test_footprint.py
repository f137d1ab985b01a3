# SPDX-License-Identifier: GPL-3.0-or-later
"""The memory of the real-size stack: weights counted exactly, activations compared with a run on the meta device."""

import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from server.longanimation import LongAnimationPipeline
from server.longanimation.beacon import KeyValueCache
from server.longanimation.footprint import (
    MARGIN,
    STREAMED,
    VAE_MAPS,
    Workload,
    activation_bytes,
    footprint,
    memory_bytes,
    pinned_bytes,
    skeleton,
    weight_bytes,
)
from server.longanimation.published import published_modules
from server.longanimation.video_xl import FRAMES_AT_ONCE

TINY = Path(__file__).parents[2] / "server" / "weights" / "tiny"

HEIGHT, WIDTH, DRAWINGS = 576, 1024, 81
WORKLOAD = Workload(HEIGHT * WIDTH, DRAWINGS)
TYPE = torch.bfloat16
ON_META: dict[str, Any] = {"device": "meta", "dtype": TYPE}


class LivingTensors(TorchDispatchMode):
    """Counts the bytes of tensors that are made inside and alive at once, without those of `modules`."""

    def __init__(self, *modules: nn.Module) -> None:
        super().__init__()
        self._foreign = [weight.untyped_storage() for module in modules for weight in module.parameters()]
        self._known = {storage._cdata for storage in self._foreign}
        self.living = self.peak = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        output = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(output):
            if isinstance(tensor, torch.Tensor):
                self._count(tensor.untyped_storage())
        self.peak = max(self.peak, self.living)
        return output

    def _count(self, storage: torch.UntypedStorage) -> None:
        if storage._cdata not in self._known:
            self._known.add(storage._cdata)
            self.living += storage.nbytes()
            weakref.finalize(storage, self._forget, storage._cdata, storage.nbytes())

    def _forget(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.living -= size


@pytest.fixture(scope="module")
def modules() -> dict[str, nn.Module]:
    return {name: module.to(TYPE) for name, module in published_modules().items()}


@pytest.fixture
def peak(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run a function without gradients. Returns the largest number of bytes that it had at once."""
    # As a GPU's kernels do it: no tokens × tokens matrix.
    monkeypatch.setattr(nn.functional, "scaled_dot_product_attention", lambda query, *_, **__: torch.empty_like(query))
    monkeypatch.setattr("server.longanimation.beacon.causal_lower_right", lambda *_: None)

    def run(function: Callable[[], Any], *known: nn.Module) -> int:
        with torch.no_grad(), LivingTensors(*known) as tensors:
            function()
        return tensors.peak

    return run


def test_weights_are_counted_to_the_byte(modules: dict[str, nn.Module]) -> None:
    parameters = {
        "transformer": 5_571_594_880,
        "sketch_dit": 818_359_808,
        "dynamic_memory": 402_782_208,
        "vae": 215_583_907,
        "text_encoder": 4_762_310_656,
        "video_xl": 8_078_171_136 + 303_507_456 + 16_522_240,
    }
    assert {name: weight_bytes(module, TYPE) for name, module in modules.items()} == {
        name: 2 * count for name, count in parameters.items()
    }
    total = footprint(modules, WORKLOAD, "model", TYPE, tiling=False).host - MARGIN
    assert total == 2 * sum(parameters.values())
    largest = max(activation_bytes(modules, WORKLOAD, TYPE, tiling=True).values())
    needed = MARGIN + total + largest + memory_bytes(modules, WORKLOAD, TYPE)
    assert footprint(modules, WORKLOAD, "full", TYPE, tiling=True).device == needed


def test_eight_bits_are_half_of_the_linear_layers(modules: dict[str, nn.Module]) -> None:
    transformer = modules["transformer"]
    linear = sum(layer.weight.numel() for layer in transformer.modules() if isinstance(layer, nn.Linear))
    assert linear > 0.99 * 5_571_594_880
    saved = weight_bytes(transformer, TYPE) - weight_bytes(transformer, TYPE, eight_bits=True)
    assert saved == pytest.approx(linear, rel=0.005)


def test_a_folder_s_skeleton_has_its_modules_shapes() -> None:
    pipeline = LongAnimationPipeline.from_pretrained(TINY)
    found = skeleton(TINY)
    assert set(STREAMED) < set(found)
    for name, module in found.items():
        shapes = {key: weight.shape for key, weight in module.named_parameters()}
        assert shapes == {key: weight.shape for key, weight in getattr(pipeline, name).named_parameters()}


def test_the_denoising_has_its_estimate(modules: dict[str, nn.Module], peak: Callable[..., int]) -> None:
    latents, height, width = 22, HEIGHT // 8, WIDTH // 8
    tokens = latents // 2 * height // 2 * width // 2
    inputs = torch.empty(2, latents, 32, height, width, **ON_META)
    text, ofs = torch.empty(2, 226, 4096, **ON_META), torch.empty(1, **ON_META)
    times = torch.empty(2, dtype=torch.int64, device="meta")
    rotary = (torch.empty(tokens, 64, device="meta"),) * 2
    control = torch.empty(2, tokens, 3072, **ON_META)
    transformer, sketch_dit = modules["transformer"], modules["sketch_dit"]
    measured = max(
        peak(lambda: transformer(inputs, text, times, ofs, rotary, control), transformer),
        peak(lambda: sketch_dit(inputs, text, times, ofs, rotary), sketch_dit),
    )
    estimate = activation_bytes(modules, WORKLOAD, TYPE, tiling=False)["denoising"]
    assert 0.85 * estimate < measured < estimate


def test_decoding_has_its_estimate(modules: dict[str, nn.Module], peak: Callable[..., int]) -> None:
    vae = modules["vae"]
    latents = torch.empty(1, 16, 5, HEIGHT // 8, WIDTH // 8, **ON_META)  # decoded three, then two at a time
    measured = peak(lambda: vae.decode(latents), vae)
    maps = measured / (HEIGHT * WIDTH * 128 * TYPE.itemsize)
    assert 0.65 * VAE_MAPS < maps < 0.85 * VAE_MAPS, "a GPU's convolutions need more than what lives"


def test_the_estimate_is_a_little_above_what_is_published_for_cogvideox(modules: dict[str, nn.Module]) -> None:
    """GiB on the GPU; docs/memory.md has the pages, and what was done for each figure."""
    weights = {name: weight_bytes(modules[name], TYPE) for name in ("vae", "text_encoder", "transformer")}
    two_billion = 2 * 1_693_783_872  # CogVideoX-2b's transformer
    small, large = Workload(480 * 720, 49), Workload(768 * 1360, 81)
    whole, tiles = (activation_bytes(modules, small, TYPE, tiling)["vae"] for tiling in (False, True))
    denoising = activation_bytes(modules, large, TYPE, tiling=True)["denoising"]
    for published, estimate in (
        (19, weights["vae"] + whole),
        (33, weights["vae"] + weights["text_encoder"] + two_billion + whole),
        (5, tiles),
        (9, denoising),
    ):
        assert published < (MARGIN + estimate) / 2**30 < 1.3 * published
    needed = sum(weights.values()) + activation_bytes(modules, large, TYPE, tiling=False)["vae"]
    assert (MARGIN + needed) / 2**30 > 80, "CogVideoX1.5 ran out of an A100's memory when it decoded whole pictures"


def test_colorings_are_decoded_one_after_the_other(modules: dict[str, nn.Module]) -> None:
    """Each coloring adds its frames: 81 of 3 channels, once in parts and once joined."""
    one, four = (
        activation_bytes(modules, Workload(HEIGHT * WIDTH, DRAWINGS, colorings), TYPE, tiling=False)["vae"]
        for colorings in (1, 4)
    )
    assert four - one == 3 * 2 * 81 * 3 * HEIGHT * WIDTH * 2


def test_video_xl_has_its_estimate(modules: dict[str, nn.Module], peak: Callable[..., int]) -> None:
    video = modules["video_xl"]
    limit = video.config.beacon_limit
    cache = KeyValueCache(*([torch.empty(1, 4, limit, 128, **ON_META) for _ in range(28)] for _ in range(2)))
    window = torch.empty(1, video.config.beacon_window, 3584, **ON_META)
    frames = torch.empty(FRAMES_AT_ONCE, 3, 336, 336, **ON_META)
    measured = max(
        peak(lambda: video.model.extend(window, cache.copy(), 8), video),
        peak(lambda: video.model.vision_tower(frames, output_hidden_states=True), video),
    )
    estimate = activation_bytes(modules, WORKLOAD, TYPE, tiling=False)["video_xl"]
    assert 0.75 * estimate < measured < estimate


def test_pinned_copies_are_counted_in_powers_of_two(modules: dict[str, nn.Module]) -> None:
    layer = nn.Linear(3, 5, device="meta")  # 30 and 10 bytes
    assert pinned_bytes(layer, TYPE) == 32 + 16
    assert pinned_bytes(layer, TYPE, eight_bits=True) == 16 + 16
    once, anew = (footprint(modules, WORKLOAD, "group", TYPE, tiling=True, pinned=pinned) for pinned in (True, False))
    assert once.device == anew.device
    weights = weight_bytes(modules["transformer"], TYPE) + weight_bytes(modules["sketch_dit"], TYPE)
    copied = once.host - anew.host + weights
    assert 1.5 * weights < copied < 2 * weights, "a matrix of 3072 × 3072 takes 32 MiB instead of 18"


def test_memory_is_counted_at_its_bound(modules: dict[str, nn.Module]) -> None:
    """650 frames of 18 beacons; for each 28 layers in Video-XL, 4 heads of 128, and 3 layers of 3072 in DGLM."""
    assert memory_bytes(modules, WORKLOAD, TYPE) == 650 * 18 * (28 * 2 * 512 + 3 * 2 * 3072) * 2
