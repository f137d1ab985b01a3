# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory modes: which one is chosen, and that a segment is the same wherever the weights are.

There is no GPU here. Offloaded weights are NaN until the hook that should fetch them does so. Weights that Diffusers
and Accelerate would move are hidden and restored instead.
"""

import logging
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from diffusers import ModelMixin
from diffusers.hooks.group_offloading import (
    GroupOffloadingConfig,
    GroupOffloadingType,
    ModuleGroup,
    _apply_group_offloading,
)
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import PreTrainedModel

from benchmarks.speed import psnr
from server.longanimation import LongAnimationPipeline, placement
from server.longanimation.convert import ConversionError
from server.longanimation.footprint import RESIDENT, STAGES, STREAMED, Footprint, Workload, skeleton, weight_bytes
from server.longanimation.pipeline import StepCallback
from server.longanimation.placement import MODES, MemoryModeError, Plan, choose, load, load_pipeline, place
from server.longanimation.published import published_modules

TINY = Path(__file__).parents[2] / "server" / "weights" / "tiny"
GPU, MAIN_MEMORY = torch.device("cpu", 0), torch.device("cpu")
GIGABYTE = 10**9
TRAINING_SIZE = Workload(1024 * 576, 81)


def segments(pipeline: LongAnimationPipeline, callback: StepCallback | None = None) -> torch.Tensor:
    """The frames of two segments, the second one with the memory of the first: [B, 2 · F, 3, H, W]."""
    pipeline.set_progress_bar_config(disable=True)
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(7, 3, 32, 48, generator=generator) * 2 - 1
    frames, memory = [], None
    for seed in range(2):
        output = pipeline(
            references=images[:1],
            reference_sketch=images[1],
            sketches=images[2:],
            prompt="a fox",
            num_inference_steps=2,
            guidance_scale=3.0,
            generator=torch.Generator().manual_seed(seed),
            memory=memory,
            callback_on_step_end=callback,
        )
        frames.append(output.frames)
        history = [pipeline.remember(None, output.frames[0])]
        memory = pipeline.map_memory(history, history)
    return torch.cat(frames, dim=1)


@pytest.fixture(scope="module")
def exact() -> torch.Tensor:
    return segments(load(TINY, "full", torch.float32))


class Hiding:
    """Offloaded weights are NaN. Integers stay, because nothing is computed from them."""

    def __init__(self) -> None:
        self._away: dict[torch.Tensor, torch.Tensor] = {}

    def hide(self, tensors: Iterator[torch.Tensor]) -> None:
        for tensor in tensors:
            if tensor.is_floating_point() and tensor not in self._away:
                self._away[tensor] = tensor.data
                tensor.data = torch.full(tensor.shape, torch.nan).to(tensor.dtype)

    def show(self, tensors: Iterator[torch.Tensor]) -> None:
        for tensor in tensors:
            if tensor in self._away:
                tensor.data = self._away.pop(tensor)


class PretendGPU(Hiding):
    """Records which modules are on it, and every change."""

    def __init__(self) -> None:
        super().__init__()
        self.modules: set[nn.Module] = set()
        self.history: list[frozenset[nn.Module]] = []

    def move(self, module: nn.Module, device: torch.device | str) -> nn.Module:
        """Stands in for `module.to(device)`."""
        if torch.device(device) == GPU:
            self.show(module.parameters())
            self.modules.add(module)
        else:
            self.hide(module.parameters())
            self.modules.discard(module)
        self.history.append(frozenset(self.modules))
        return module

    def device_of(self, module: nn.Module) -> torch.device:
        """Stands in for `module.device`."""
        return GPU if module in self.modules else MAIN_MEMORY


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> PretendGPU:
    pretended = PretendGPU()
    for kind in (ModelMixin, PreTrainedModel):
        monkeypatch.setattr(kind, "to", lambda module, device, **_: pretended.move(module, device))
        monkeypatch.setattr(kind, "device", property(pretended.device_of))
    return pretended


def tensors_of(group: ModuleGroup) -> Iterator[torch.Tensor]:
    """Every weight of a group that is moved at once."""
    for module in group.modules:
        yield from module.parameters()
    yield from group.parameters


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> Hiding:
    hiding = Hiding()
    monkeypatch.setattr(ModuleGroup, "_offload_to_memory", lambda group: hiding.hide(tensors_of(group)))
    monkeypatch.setattr(ModuleGroup, "_onload_from_memory", lambda group: hiding.show(tensors_of(group)))
    return hiding


def test_by_stage_the_gpu_holds_one_stage_and_the_frames_are_the_same(gpu: PretendGPU, exact: torch.Tensor) -> None:
    pipeline = load(TINY, "model", torch.float32)
    place(pipeline, "model", GPU, tiling=False)
    assert torch.equal(segments(pipeline), exact)
    stages = [frozenset(getattr(pipeline, name) for name in names) for names in STAGES.values()]
    assert all(any(held <= stage for stage in stages) for held in gpu.history)


def test_by_stage_nothing_moves_between_steps(gpu: PretendGPU) -> None:
    pipeline = load(TINY, "model", torch.float32)
    place(pipeline, "model", GPU, tiling=False)
    moves: list[int] = []

    def note(_pipeline: LongAnimationPipeline, _index: int, _timestep: int, _tensors: dict) -> dict:
        moves.append(len(gpu.history))
        return {}

    segments(pipeline, note)
    first, second, third, fourth = moves
    assert first == second < third == fourth


@pytest.mark.slow
def test_in_groups_every_layer_is_fetched_and_the_frames_are_the_same(groups: Hiding, exact: torch.Tensor) -> None:
    pipeline = load(TINY, "group", torch.float32)
    place(pipeline, "group", MAIN_MEMORY, tiling=False)
    for name in STREAMED:
        assert all(weight.isnan().all() for weight in getattr(pipeline, name).parameters())
    for name in RESIDENT:
        assert not any(weight.isnan().any() for weight in getattr(pipeline, name).parameters())
    assert torch.equal(segments(pipeline), exact)


@pytest.mark.slow
def test_in_8_bit_floats_layers_are_fetched_and_the_frames_are_close(groups: Hiding, exact: torch.Tensor) -> None:
    pipeline = load(TINY, "fp8", torch.float32)
    place(pipeline, "fp8", MAIN_MEMORY, tiling=False)
    stored = {name: weight.dtype for name, weight in pipeline.transformer.named_parameters()}
    assert stored["transformer_blocks.0.attn1.to_q.weight"] == torch.float8_e4m3fn
    assert stored["patch_embed.proj.weight"] == torch.float32
    assert 40 < psnr(segments(pipeline), exact) < 80


@pytest.mark.parametrize("pinned", [True, False])
def test_what_every_step_needs_is_pinned_once_where_main_memory_has_room(
    monkeypatch: pytest.MonkeyPatch, pinned: bool
) -> None:
    asked: dict[nn.Module, bool] = {}

    def record(module: nn.Module, *, low_cpu_mem_usage: bool, use_stream: bool, **_: Any) -> None:
        assert use_stream, "only streams need page-locked memory"
        asked[module] = not low_cpu_mem_usage

    monkeypatch.setattr(placement, "apply_group_offloading", record)
    pipeline = SimpleNamespace(**{name: nn.Linear(1, 1) for name in (*STREAMED, *RESIDENT)})
    for name in RESIDENT:
        monkeypatch.setattr(getattr(pipeline, name), "to", lambda device: None)
    place(cast(Any, pipeline), "group", torch.device("cuda", 0), tiling=False, pinned=pinned)
    once = {name for name in STREAMED if asked[getattr(pipeline, name)]}
    assert once == ({"sketch_dit", "transformer"} if pinned else set())


@pytest.mark.parametrize("pinned", [True, False])
def test_diffusers_pins_weights_once_or_in_every_pass(monkeypatch: pytest.MonkeyPatch, pinned: bool) -> None:
    """Two layers have four weights, and go through three passes."""
    locked: list[torch.Tensor] = []

    def pin(tensor: torch.Tensor) -> torch.Tensor:
        locked.append(tensor.clone())
        return locked[-1]

    def is_pinned(tensor: torch.Tensor) -> bool:
        return any(tensor.data_ptr() == each.data_ptr() for each in locked)

    monkeypatch.setattr(torch.Tensor, "pin_memory", pin)
    monkeypatch.setattr(torch.Tensor, "is_pinned", is_pinned)
    monkeypatch.setattr(torch.cpu.Stream, "synchronize", lambda stream: None, raising=False)
    layers = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    config = GroupOffloadingConfig(
        onload_device=MAIN_MEMORY,
        offload_device=MAIN_MEMORY,
        offload_type=GroupOffloadingType.LEAF_LEVEL,
        non_blocking=False,
        record_stream=False,
        low_cpu_mem_usage=not pinned,
        stream=torch.cpu.Stream(),
    )
    _apply_group_offloading(layers, config)
    counts = [len(locked)]
    for _ in range(3):
        layers(torch.zeros(1, 2))
        counts.append(len(locked))
    if pinned:
        assert counts == [4, 4, 4, 4]
    else:
        assert counts[0] == 0 and all(later - earlier >= 4 for earlier, later in pairwise(counts))


def test_in_8_bit_integers_weights_have_their_estimate_and_the_frames_are_close(exact: torch.Tensor) -> None:
    pytest.importorskip("torchao", reason="no torchao: .venv/bin/pip install --no-deps -c requirements.lock torchao")
    pipeline = load(TINY, "int8", torch.float32)
    modules = skeleton(TINY)
    for name in STREAMED:
        stored = sum(stored_bytes(weight) for weight in getattr(pipeline, name).parameters())
        estimate = weight_bytes(modules[name], torch.float32, eight_bits=True)
        assert stored == estimate
        assert stored < 0.4 * weight_bytes(modules[name], torch.float32)
    assert 45 < psnr(segments(pipeline), exact) < 80


def stored_bytes(weight: torch.Tensor) -> int:
    """Bytes of a tensor, or of the tensors that one of torchao is made of."""
    if not hasattr(weight, "__tensor_flatten__"):
        return weight.nbytes
    return sum(getattr(weight, name).nbytes for name in weight.__tensor_flatten__()[0])


@torch.no_grad()
def test_tiles_make_frames_of_the_same_size_that_are_close() -> None:
    pipeline = load(TINY, "full", torch.float32)
    latents = torch.randn(1, 1, 8, 66, 12, generator=torch.Generator().manual_seed(0))
    whole = pipeline.decode_video(latents)
    place(pipeline, "full", MAIN_MEMORY, tiling=True)
    tiled = pipeline.decode_video(latents)
    assert tiled.shape == whole.shape == (1, 1, 3, 264, 48)
    assert 25 < psnr(tiled, whole) < 80


@pytest.fixture(scope="module")
def plans() -> list[Plan]:
    modules = {name: module.to(torch.bfloat16) for name, module in published_modules().items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(placement, "_has_torchao", lambda: True)
        return placement.estimates(modules, TRAINING_SIZE, torch.bfloat16)


@pytest.mark.parametrize(
    ("device", "host", "mode", "tiling"),
    [
        (80, 64, "full", False),
        (48, 64, "model", False),
        (24, 64, "model", True),
        (16, 64, "group pinned", True),
        (16, 48, "group", True),
        (12, 64, "group pinned", True),
        (48, 32, "full", True),
        (24, 32, "int8", True),
        (16, 32, "int8", True),
        (12, 32, "fp8 pinned", True),
        (12, 24, "fp8", True),
    ],
)
def test_the_published_model_takes_the_best_mode_that_fits(
    plans: list[Plan], device: int, host: int, mode: str, tiling: bool
) -> None:
    """device: GiB of a GPU, of which a driver and CUDA take some; host: free GB."""
    plan = choose(plans, Footprint(int(0.96 * device * 2**30), host * GIGABYTE))
    assert (plan.mode + " pinned" * plan.pinned, plan.tiling) == (mode, tiling)


def test_pictures_too_large_for_the_vae_as_a_whole_are_planned_in_tiles() -> None:
    large = placement.estimates(published_modules(), Workload(1920 * 1088, 81), torch.bfloat16)
    assert large and all(plan.tiling for plan in large)


def test_a_gpu_too_small_for_every_mode_is_told_what_each_needs(plans: list[Plan]) -> None:
    with pytest.raises(MemoryModeError) as caught:
        choose(plans, Footprint(8 * GIGABYTE, 64 * GIGABYTE))
    message = str(caught.value)
    assert message.startswith("8.0 GB of GPU memory and 64.0 GB of main memory free: too little for every memory mode.")
    for mode in MODES:
        thriftiest = min(plan.needs.device for plan in plans if plan.mode == mode)
        assert f"`{mode}` with the VAE in tiles needs {thriftiest / GIGABYTE:.1f} GB" in message


def test_the_log_says_what_is_free_what_is_needed_and_what_is_used(
    plans: list[Plan], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    choose(plans, Footprint(48 * GIGABYTE, 64 * GIGABYTE))
    (line,) = caplog.messages
    assert line.startswith("48.0 GB of GPU memory and 64.0 GB of main memory free; `full` needs ")
    assert ": using `model`" in line


def test_a_chosen_mode_is_used_even_where_it_may_not_fit(plans: list[Plan], caplog: pytest.LogCaptureFixture) -> None:
    assert choose(plans, Footprint(80 * GIGABYTE, 64 * GIGABYTE), "group").mode == "group"
    assert not caplog.messages
    plan = choose(plans, Footprint(24 * GIGABYTE, 64 * GIGABYTE), "full")
    assert (plan.mode, plan.tiling) == ("full", True)
    assert "it may fail for want of memory" in caplog.text


def test_on_the_cpu_everything_is_loaded_there_and_other_modes_are_refused() -> None:
    pipeline = load_pipeline(TINY, "cpu", Workload(36864, 13))
    assert pipeline.transformer.dtype == placement.work_dtype(MAIN_MEMORY)
    with pytest.raises(MemoryModeError, match="`model` needs a GPU"):
        load_pipeline(TINY, "cpu", Workload(36864, 13), "model")
    with pytest.raises(MemoryModeError, match="must be auto, full, model, group, int8, fp8, not 'half'"):
        load_pipeline(TINY, "cpu", Workload(36864, 13), "half")


def test_on_a_gpu_the_plan_for_its_free_memory_is_carried_out(monkeypatch: pytest.MonkeyPatch) -> None:
    placed: list[tuple[str, torch.device]] = []
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (2 * GIGABYTE, 2 * GIGABYTE))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)
    monkeypatch.setattr(placement, "place", lambda pipeline, mode, device, *_: placed.append((mode, device)))
    pipeline = load_pipeline(TINY, "cuda", Workload(36864, 13))
    assert pipeline.transformer.dtype == torch.bfloat16
    assert placed == [("full", torch.device("cuda", 0))]


def test_int8_without_torchao_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "_has_torchao", lambda: False)
    with pytest.raises(MemoryModeError, match="pip install torchao"):
        load_pipeline(TINY, "cuda", Workload(36864, 13), "int8")
    assert "int8" not in {plan.mode for plan in placement.estimates(skeleton(TINY), Workload(36864, 13), torch.float32)}


@pytest.mark.parametrize(
    ("name", "shape", "sentence"),
    [
        ("proj_out", None, r"dynamic_memory: missing proj_out \(256, 256\)"),
        ("proj_out", (256, 128), r"proj_out has the shape \(256, 128\), and dynamic_memory needs \(256, 256\)"),
        ("proj_in", (2,), r"unexpected key proj_in \(2,\); dynamic_memory has no such weight"),
    ],
)
def test_a_wrong_weight_in_a_preset_is_named(name: str, shape: tuple[int, ...] | None, sentence: str, tmp_path: Path):
    folder = tmp_path / "preset"
    shutil.copytree(TINY, folder)
    (path,) = (folder / "dynamic_memory").glob("*.safetensors")
    weights = load_file(path)
    if shape is None:
        del weights[name]
    else:
        weights[name] = torch.zeros(shape)
    save_file(weights, path, {"format": "pt"})
    with pytest.raises(ConversionError, match=sentence):
        load_pipeline(folder, "cpu", Workload(36864, 13))
