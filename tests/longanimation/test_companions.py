# SPDX-License-Identifier: GPL-3.0-or-later
"""Two processes, connected by gloo, color a shot together. Neither waits for one that has ended."""

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch

from server.coloring.colorizer import Colorizer
from server.coloring.shot import Shot
from server.engines.long_animation import LongAnimationEngine
from server.longanimation import LongAnimationPipeline
from server.longanimation.companions import CompanionEnded, Companions
from server.longanimation.conditions import Conditions
from server.longanimation.context_parallel import ContextParallelError
from server.longanimation.convert import plan_conversion
from server.longanimation.denoiser import Denoiser
from server.longanimation.footprint import skeleton
from server.longanimation.placement import load_denoiser, load_pipeline, shared_devices
from server.longanimation.rotary import rotary_embedding
from server.presets.preset import find_preset
from server.presets.published_preset import SETTINGS
from tests.coloring.drawings import scene
from tests.longanimation.leading import WORKLOAD, color
from tests.longanimation.miniature import write_downloads

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SHARED = replace(WORKLOAD, context_parallel=2)
CPU = torch.device("cpu")
TOLERANCE = 1e-5
"""Largest difference of velocities, which are about 1: the sums of a matrix product may be in another order."""
LEVELS = 1
"""Largest difference of delivered frames, of 255."""


@pytest.fixture(scope="module", autouse=True)
def in_float32() -> Iterator[None]:
    """Some processors multiply bfloat16, whose rounding would hide what is compared."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("server.longanimation.placement.work_dtype", lambda _: torch.float32)
        yield


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A converted published pipeline of small width."""
    folder = tmp_path_factory.mktemp("published")
    plan_conversion(write_downloads(folder)[0], folder / "base", torch.float32, SETTINGS).run()
    return folder / "base"


@pytest.fixture(scope="module")
def alone(base: Path) -> LongAnimationPipeline:
    return load_pipeline(base, "cpu", WORKLOAD)


@pytest.fixture(scope="module")
def frames(alone: LongAnimationPipeline) -> torch.Tensor:
    return color(alone)


@pytest.fixture(scope="module")
def shared(base: Path) -> Iterator[LongAnimationPipeline]:
    pipeline = load_pipeline(base, "cpu", SHARED)
    yield pipeline
    assert pipeline.companions is not None
    pipeline.companions.stop()


def companion_of(pipeline: LongAnimationPipeline) -> Any:
    assert pipeline.companions is not None and pipeline.companions._running is not None
    (process,) = pipeline.companions._running._processes
    return process


def differences(one: torch.Tensor, other: torch.Tensor) -> int:
    return int((one.int() - other.int()).abs().max())


def inputs(pipeline: LongAnimationPipeline) -> tuple[torch.Tensor, torch.Tensor, Conditions]:
    """Inputs of a step with guidance and memory."""
    generator = torch.Generator().manual_seed(0)
    noisy, sketch, image = torch.randn(3, 2, 10, 4, 6, 10, generator=generator).unbind()
    text = torch.randn(2, 16, 32, generator=generator)
    memory = [(key, value) for key, value in torch.randn(3, 2, 1, 20, 32, generator=generator)]
    rotary = rotary_embedding(pipeline.transformer, 10, 6, 10)
    return noisy, torch.tensor([500, 500]), Conditions(text, sketch, image, rotary, memory)


@torch.no_grad()
def test_two_processes_predict_the_velocity_of_one(alone: LongAnimationPipeline, shared: LongAnimationPipeline) -> None:
    seen: list[int] = []
    hook = shared.transformer.transformer_blocks[0].register_forward_pre_hook(
        lambda _, arguments: seen.append(arguments[0].shape[1])
    )
    for memory in (True, False):
        noisy, timestep, given = inputs(alone)
        given = given if memory else replace(given, memory=None)
        velocity = alone.denoiser.predict(noisy, timestep, given)
        assert velocity.std() > 0.1
        assert (shared.denoiser.predict(noisy, timestep, given) - velocity).abs().max() < TOLERANCE
    hook.remove()
    assert seen == [38, 38], "the leader has the larger half of 75 tokens"


def test_two_processes_color_a_shot_with_the_frames_of_one(shared: LongAnimationPipeline, frames: torch.Tensor) -> None:
    assert frames.float().std() > 0
    assert differences(color(shared), frames) <= LEVELS


def test_a_shot_that_is_cancelled_leaves_the_companion_ready(
    shared: LongAnimationPipeline, frames: torch.Tensor
) -> None:
    class Cancelled(Exception):
        pass

    def cancel(*_: Any) -> None:
        raise Cancelled

    before = companion_of(shared)
    with pytest.raises(Cancelled):
        color(shared, cancel)
    assert differences(color(shared), frames) <= LEVELS
    assert companion_of(shared) is before


@pytest.mark.parametrize("place", ["between steps", "in a step"])
def test_a_companion_that_dies_ends_the_shot_and_the_next_one_gets_another(
    place: str, shared: LongAnimationPipeline, frames: torch.Tensor
) -> None:
    def kill(*_: Any) -> Any:
        companion_of(shared).kill()
        return _[-1] if place == "between steps" else None

    where = kill if place == "between steps" else None
    hook = shared.transformer.transformer_blocks[1].register_forward_pre_hook(kill) if where is None else None
    with pytest.raises(CompanionEnded, match="companion on cpu, which shares the denoising, ended: exit code -9"):
        color(shared, where)
    if hook is not None:
        hook.remove()
    assert differences(color(shared), frames) <= LEVELS


def test_an_error_of_ours_in_a_step_is_reported_as_it_is(shared: LongAnimationPipeline, frames: torch.Tensor) -> None:
    def fail(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    hook = shared.transformer.transformer_blocks[1].register_forward_pre_hook(fail)
    with pytest.raises(torch.OutOfMemoryError):
        color(shared)
    hook.remove()
    assert differences(color(shared), frames) <= LEVELS


class Exhausted(Denoiser):
    def predict(self, *_: Any) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory.")


def load_exhausted(device: torch.device) -> Denoiser:
    loaded = load_denoiser(ROOT / "server" / "weights" / "tiny", "full", torch.float32, device)
    return Exhausted(loaded.sketch_dit, loaded.dynamic_memory, loaded.transformer)


def load_nothing(device: torch.device) -> Denoiser:
    raise FileNotFoundError("no such folder")


def test_a_companion_says_why_it_ended() -> None:
    with pytest.raises(CompanionEnded, match=r"ended: FileNotFoundError: no such folder\."):
        Companions(load_nothing, [CPU, CPU]).start()
    pipeline = load_pipeline(ROOT / "server" / "weights" / "tiny", "cpu", WORKLOAD)
    pipeline.companions = Companions(load_exhausted, [CPU, CPU])
    pipeline.denoiser.take(pipeline.companions.share)
    with pytest.raises(CompanionEnded, match=r"ended: OutOfMemoryError: CUDA out of memory\."):
        color(pipeline)


def test_companions_end_with_the_pipeline_that_has_them(base: Path) -> None:
    pipeline = load_pipeline(base, "cpu", SHARED)
    process = psutil.Process(companion_of(pipeline).pid)
    del pipeline
    gc.collect()
    process.wait(60)
    assert not torch.distributed.is_initialized()


def test_a_preset_s_field_starts_companions_and_keeps_the_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = find_preset("tiny")
    drawings, paintings = zip(*(scene(60 + 4 * step) for step in range(4)), strict=True)
    colored = []
    for count in (1, 4):
        monkeypatch.setattr(
            "server.coloring.colorizer.find_preset",
            lambda _, count=count: replace(tiny, pixels=96 * 64, votes=1, context_parallel=count),
        )
        colorizer = Colorizer.from_preset("tiny", "cpu")
        shot = Shot(drawings, {0: paintings[0]}, finish="painted")
        colored.append(colorizer.open(shot).color(0).frames)
        assert isinstance(colorizer.engine, LongAnimationEngine)
        companions = colorizer.engine.pipeline.companions
        assert (companions is not None) == (count > 1)
    assert companions is not None and companions.share.size == 4
    companions.stop()
    for drawing, frame in colored[0].items():
        assert np.abs(frame.astype(int) - colored[1][drawing]).max() <= LEVELS


def test_a_companion_ends_when_its_leader_is_killed_in_a_step(base: Path) -> None:
    command = [sys.executable, "-m", "tests.longanimation.leading", str(base)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"}
    ) as leader:
        assert leader.stdout is not None and leader.stdout.readline() == b"in a step\n"
        children = psutil.Process(leader.pid).children()
        assert any("spawn_main" in " ".join(child.cmdline()) for child in children)
        leader.kill()
    _, left = psutil.wait_procs(children, 60)
    assert not left


def test_what_cannot_be_shared_is_refused(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ContextParallelError, match=r"`context_parallel` is 3.*2 attention heads evenly.*one of 1, 2\."):
        load_pipeline(base, "cpu", replace(WORKLOAD, context_parallel=3))
    modules = skeleton(base)
    with pytest.raises(
        ContextParallelError, match=r"`context_parallel` is 2.*`group` is for one GPU.*full, model, int8"
    ):
        shared_devices(modules, CPU, 2, "group")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert shared_devices(modules, torch.device("cuda", 2), 2, "auto") == [
        torch.device("cuda", 2),
        torch.device("cuda", 3),
    ]
    with pytest.raises(
        ContextParallelError, match=r"worker on GPU 3 needs GPUs 3 to 4. There are 4: set it to at most 1"
    ):
        shared_devices(modules, torch.device("cuda", 3), 2, "auto")
