# SPDX-License-Identifier: GPL-3.0-or-later
"""A shot is colored by Wan 2.1 VACE, at small width and with random weights: what it is given, and what comes back."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKLWan, WanVACEPipeline

from server.coloring.colorizer import Colorizer
from server.coloring.matching import Matching
from server.coloring.painter import OUT_OF_MEMORY
from server.coloring.shot import SegmentResult, Shot
from server.coloring.shot_coloring import ShotColoring
from server.engines import UnknownEngine, find_engine
from server.engines.wan_vace import WanVaceEngine, WanVae
from server.longanimation.context_parallel import ContextParallelError
from server.longanimation.convert import ConversionError
from server.longanimation.footprint import Workload
from server.longanimation.placement import MemoryModeError
from server.presets.preset import WEIGHTS, find_preset
from tests import second_device
from tests.coloring.drawings import scene

from .miniature_wan import write_wan

WORKLOAD = Workload(96 * 64, 9)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    write_wan(folder / "wan")
    return folder


@pytest.fixture(scope="module")
def colorizer(weights: Path) -> Colorizer:
    preset = find_preset("wan", weights)
    engine = find_engine(preset.engine).load(preset.folder, CPU, WORKLOAD, "auto")
    return Colorizer(engine, Matching.load(WEIGHTS, torch.device("cpu")), preset)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """What the pipeline is called with."""
    heard: list[dict[str, Any]] = []
    call = WanVACEPipeline.__call__

    def listen(pipeline: WanVACEPipeline, **named: Any) -> Any:
        heard.append(named)
        return call(pipeline, **named)

    monkeypatch.setattr(WanVACEPipeline, "__call__", listen)
    yield heard


def shot_of(count: int, keyframe: int, **settings: Any) -> Shot:
    drawings, paintings = zip(*(scene(60 + 4 * step) for step in range(count)), strict=True)
    return Shot(drawings, {keyframe: paintings[keyframe]}, **settings)


def color_all(coloring: ShotColoring) -> list[SegmentResult]:
    return [coloring.color(index) for index in range(len(coloring.segments))]


def test_every_drawing_is_colored_once_and_segments_continue_finished_frames(
    colorizer: Colorizer, calls: list[dict[str, Any]]
) -> None:
    coloring = colorizer.open(shot_of(16, 2))
    results = color_all(coloring)
    frames: dict[int, np.ndarray] = {}
    for result in results:
        assert not frames.keys() & result.frames.keys()
        frames |= result.frames
    assert sorted(frames) == list(range(16))
    first, second, *_ = calls
    assert first["num_frames"] == 9 and first["video"].shape == (1, 9, 3, *coloring._size)
    assert first["mask"][0, 0].max() == 0, "the keyframe is known"
    assert first["mask"][0, 1:].min() == 1
    assert second["mask"][0, :5].max() == 0 and second["mask"][0, 5:].min() == 1
    finished = coloring._size.reduce(frames[coloring.segments[1].sequence[0]])
    given = second["video"][0, 0].permute(1, 2, 0).numpy() * 255
    assert np.abs(given[: len(finished)] - finished).max() <= 1
    assert len(first["reference_images"]) == 1


def test_the_control_video_shows_dark_lines_on_white(colorizer: Colorizer, calls: list[dict[str, Any]]) -> None:
    colorizer.open(shot_of(4, 0)).color(0)
    (call,) = calls
    control = call["video"][0, 1]
    assert control.max() == 1 and control.min() < 0.6 and control.mean() > 0.7


def test_a_resumed_shot_has_the_same_frames(colorizer: Colorizer) -> None:
    shot = shot_of(14, 0, seed=3)
    whole = color_all(colorizer.open(shot))
    resumed = colorizer.open(shot)
    resumed.restore(0, whole[0])
    again = resumed.color(1)
    assert all(np.array_equal(again.frames[drawing], frame) for drawing, frame in whole[1].frames.items())


def test_progress_is_reported_and_a_draft_takes_fewer_steps(colorizer: Colorizer, calls: list[dict[str, Any]]) -> None:
    steps: list[tuple[int, int]] = []
    colorizer.open(shot_of(4, 0)).color(0, lambda done, total: steps.append((done, total)))
    assert steps == [(1, 2), (2, 2)]
    colorizer.open(shot_of(4, 0, quality="draft")).color(0)
    assert [call["num_inference_steps"] for call in calls] == [2, 1]


@pytest.mark.parametrize("mode", ["full", "model"])
def test_it_colors_on_another_device(colorizer: Colorizer, weights: Path, mode: str) -> None:
    folder = weights / "wan"
    with second_device.in_use() as device:
        engine = find_engine("wan-vace").load(folder, device, WORKLOAD, mode)
        there = Colorizer(engine, colorizer.matching, colorizer.preset).open(shot_of(4, 0)).color(0)
    here = colorizer.open(shot_of(4, 0)).color(0)
    for drawing, frame in here.frames.items():
        assert (np.abs(frame.astype(int) - there.frames[drawing]).max(axis=2) > 8).mean() < 0.01


@pytest.fixture
def small_tiles(colorizer: Colorizer, monkeypatch: pytest.MonkeyPatch) -> WanVae:
    """The VAE, with tiles that are smaller than the pictures; whole pictures run out of memory."""
    assert isinstance(colorizer.engine, WanVaceEngine)
    vae = colorizer.engine.pipeline.vae
    assert isinstance(vae, WanVae)
    monkeypatch.setattr(vae, "tiled", frozenset())
    for name, pixels in (("min", 32), ("stride", 24)):
        monkeypatch.setattr(vae, f"tile_sample_{name}_height", pixels)
        monkeypatch.setattr(vae, f"tile_sample_{name}_width", pixels)
    return vae


@pytest.mark.parametrize("operation", ["encode", "decode"])
def test_an_operation_that_runs_out_of_memory_is_repeated_in_tiles_as_are_all_after_it(
    operation: str, colorizer: Colorizer, small_tiles: WanVae, monkeypatch: pytest.MonkeyPatch
) -> None:
    shot = shot_of(4, 0, finish="painted")
    whole = colorizer.open(shot).color(0)
    assert not whole.note
    small_tiles.tiled = frozenset({operation})  # type: ignore[arg-type]
    tiles = colorizer.open(shot).color(0)
    assert any(np.any(tiles.frames[drawing] != frame) for drawing, frame in whole.frames.items())

    small_tiles.tiled = frozenset()
    attempts: list[bool] = []
    real = getattr(AutoencoderKLWan, operation)

    def short_of_memory(vae: WanVae, video: torch.Tensor, return_dict: bool) -> Any:
        attempts.append(vae.use_tiling)
        result = real(vae, video, return_dict)
        if not vae.use_tiling:
            vae._feat_map[0] = vae._enc_feat_map[0] = video
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return result

    emptied: list[object] = []
    monkeypatch.setattr(AutoencoderKLWan, operation, short_of_memory)
    monkeypatch.setattr(
        "server.longanimation.latent_codec.empty_device_cache",
        lambda _: emptied.extend([small_tiles._feat_map[0], small_tiles._enc_feat_map[0]]),
    )
    coloring = colorizer.open(shot)
    repeated = coloring.color(0)
    assert repeated.note == OUT_OF_MEMORY and small_tiles.tiled == {operation}
    assert attempts[:2] == [False, True] and all(attempts[1:])
    assert emptied == [None, None], "nothing is kept of the failed attempt"
    assert all(np.array_equal(repeated.frames[drawing], frame) for drawing, frame in tiles.frames.items())
    assert not colorizer.open(shot).color(0).note, "it is told once"


def test_tiles_that_run_out_of_memory_are_not_repeated(
    colorizer: Colorizer, small_tiles: WanVae, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(AutoencoderKLWan, "decode", exhausted)
    with pytest.raises(torch.OutOfMemoryError):
        colorizer.open(shot_of(4, 0)).color(0)


def test_a_prompt_that_is_too_long_is_told(colorizer: Colorizer) -> None:
    assert "Left out" in colorizer.open(shot_of(4, 0, prompt="rain and wind " * 100)).note


def test_missing_weights_and_wrong_modes_are_refused(weights: Path, tmp_path: Path) -> None:
    loader = find_engine("wan-vace")
    with pytest.raises(MemoryModeError, match="needs a GPU"):
        loader.load(weights / "wan", CPU, WORKLOAD, "model")
    with pytest.raises(MemoryModeError, match="full, model, not 'fp8'"):
        loader.load(weights / "wan", second_device.DEVICE, WORKLOAD, "fp8")
    with pytest.raises(ContextParallelError, match="`context_parallel` is 2, but Wan VACE colors a shot on one GPU"):
        loader.load(weights / "wan", CPU, replace(WORKLOAD, context_parallel=2), "auto")
    write_wan(tmp_path)
    (tmp_path / "transformer" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(ConversionError, match="transformer"):
        loader.load(tmp_path, CPU, WORKLOAD, "auto")


def test_an_engine_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(UnknownEngine, match=r"'newer'.*longanimation, wan-vace"):
        find_engine("newer")
