# SPDX-License-Identifier: GPL-3.0-or-later
"""On a base, the commands follow the paper, and each departure from it has a switch."""

import itertools
import logging
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from server.cli import main
from server.longanimation.convert import plan_conversion
from server.longanimation.sampler import Sampler
from server.longanimation.solver import solve_step
from server.presets.published_preset import SETTINGS
from server.training.footage import check_footage, choose_footage
from server.training.hints import Hints
from server.training.recipe import PAPER, TINY, Recipe
from server.training.samples import SampleShape, draw_sample
from server.training.sources import ClipFilter, store_clips
from server.training.sources.stored_clips import stored_clips
from server.training.stage import Settings
from server.training.stages import memory, reward, sketch
from server.training.stages.memory import MemoryStage
from server.training.stages.reward import RewardStage
from tests.longanimation.miniature import write_downloads, write_json
from tests.training.videos import HEIGHT, WIDTH, picture, write_video


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Runs a command that trains on a base, and returns the arguments of the stage instead of training it."""
    write_json(tmp_path / "base" / "preset.json", SETTINGS)
    found: list[tuple] = []
    for module in (sketch, memory, reward):
        name = f"train_{module.__name__.rpartition('.')[2]}"
        monkeypatch.setattr(module, name, lambda *given: found.append(given))

    def train(stage: str, *options: str, base: bool = True) -> tuple:
        on_base = ["--base", str(tmp_path / "base")] if base else []
        assert main(["train", stage, "--output", str(tmp_path), *on_base, *options]) == 0
        return found[-1]

    return train


def test_on_a_base_the_defaults_are_the_papers(trained: Any) -> None:
    _, shape, settings, hints, _ = trained("sketch")
    assert (shape.width, shape.height, shape.drawings, shape.recipe) == (1024, 576, 81, PAPER)
    assert (settings.rate, settings.final_rate, settings.steps) == (1e-5, 1.0, 30_000)
    assert settings.minutes == math.inf and hints == 0
    _, shape, settings, hints, kind, joint, ratio = trained("memory")
    assert (settings.steps, shape.history, shape.recipe, hints, kind, joint) == (10_000, 160, PAPER, 0, "both", False)
    assert ratio == 8, "as the authors' code, which the weights come from; the paper's is a switch"
    _, shape, settings, hints, _, colorings, steps, guidance, ratio = trained("reward")
    assert (settings.steps, settings.rate, shape.recipe, hints, colorings) == (10_000, 1e-5, PAPER, 0, 4)
    assert (steps, guidance, ratio) == (50, 6.0, 8), "colorings are sampled as at inference"


def test_the_tiny_stack_keeps_its_own_recipe(trained: Any) -> None:
    _, shape, settings, hints, _ = trained("sketch", base=False)
    assert (shape.recipe, hints, settings.minutes, settings.final_rate) == (TINY, 0.8, 60, 0.1)
    assert trained("reward", base=False)[-3:] == (4, 1.0, None)


@pytest.mark.parametrize(
    ("options", "departure"),
    [
        (["--colors", "flats"], {"colors": "flats"}),
        (["--cartoons", "0.25"], {"cartoons": 0.25}),
        (["--no-holds"], {"holds": False}),
        (["--to-and-fro"], {"to_and_fro": True}),
        (["--near", "0.5"], {"near": 0.5}),
        (["--outward"], {"outward": True}),
        (["--wordless", "0"], {"wordless": 0.0}),
    ],
)
def test_each_departure_is_a_switch(trained: Any, options: list[str], departure: dict[str, Any]) -> None:
    assert trained("sketch", *options)[1].recipe == replace(PAPER, **departure)


def test_sampling_guidance_ratio_and_rate_are_switches(trained: Any) -> None:
    given = trained("reward", "--sampling", "4", "--guidance", "1", "--ratio", "dynamic", "--hints", "0.5")
    assert given[3] == 0.5 and given[-3:] == (4, 1.0, "dynamic")
    settings = trained("sketch", "--final-rate", "0.1", "--steps", "5", "--minutes", "2", "--rate", "1e-4")[2]
    assert (settings.final_rate, settings.steps, settings.minutes, settings.rate) == (0.1, 5, 2, 1e-4)


def test_what_is_no_share_or_no_base_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train = ["train", "sketch", "--output", str(tmp_path)]
    assert main([*train, "--near", "2"]) == 2
    assert "--near 2 is no share" in capsys.readouterr().err
    assert main([*train, "--base", str(tmp_path / "nowhere")]) == 2
    assert "has no preset.json" in capsys.readouterr().err


ON_TWOS = [step for step in range(20) for _ in range(2)]
"""Forty frames, on twos."""
FILM = SampleShape(drawings=9, height=HEIGHT, width=WIDTH, history=6, recipe=PAPER)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Two clips of more than 91 frames, on twos and on ones, and one of 40 frames."""
    write_video(tmp_path / "show" / "1.mp4", ON_TWOS * 3)
    write_video(tmp_path / "show" / "2.mp4", list(range(20)) * 5)
    write_video(tmp_path / "show" / "short.mp4", ON_TWOS)
    store_clips(tmp_path / "show", tmp_path / "sources", WIDTH, HEIGHT, ClipFilter(frames=1))
    return tmp_path / "sources"


def test_on_a_base_samples_are_the_clips_own_frames_with_their_lines_and_holds(library: Path) -> None:
    shape = replace(FILM, sources=library)
    footage = choose_footage(0, shape)
    assert footage.length == 120, "the clip on twos, frame by frame"
    sample = draw_sample(0, shape)
    distances = np.array(
        [[np.abs(frame.astype(int) - picture(step)).mean() for step in range(20)] for frame in sample["color"]]
    )
    assert (distances.min(axis=1) < 8).all(), "they are the clip's pictures"
    shown = distances.argmin(axis=1).tolist()
    assert shown[1] == shown[2] or shown[2] == shown[3], "held drawings are held"
    edge = (48, 30 + 8 * shown[1] + 20)
    assert sample["color"][1][edge].max() < 90, "the outline is in the picture"
    assert sample["line_art"][1][edge] < 128
    once = draw_sample(0, replace(shape, recipe=replace(PAPER, holds=False)))["line_art"]
    assert all((one != other).any() for one, other in itertools.pairwise(once[1:])), "each drawing once"


def test_short_clips_are_left_out_with_a_count_or_played_to_and_fro(
    library: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shape = replace(FILM, sources=library)
    assert shape.needed == 92
    with caplog.at_level(logging.INFO):
        check_footage(shape)
    assert "1 of 3 film clips have fewer than 92 frames, and are left out." in caplog.text
    places = [choose_footage(seed, shape).clip.place for seed in range(30)]
    assert set(places) == set(stored_clips(library)[:2])
    to_and_fro = replace(shape, recipe=replace(PAPER, to_and_fro=True))
    assert {choose_footage(seed, to_and_fro).clip.place for seed in range(30)} == set(stored_clips(library))
    assert draw_sample(2, to_and_fro)["color"].shape[0] == 10
    with pytest.raises(ValueError, match=r"None of the 3 clips in .* has the 287 frames"):
        check_footage(replace(shape, drawings=81, history=206))
    caplog.clear()
    check_footage(FILM)
    assert "no film clips, so that all samples are cartoons" in caplog.text


def test_cartoons_are_mixed_in_as_the_recipe_says(library: Path) -> None:
    for cartoons in (0.0, 0.25, 1.0):
        shape = replace(FILM, sources=library, recipe=replace(PAPER, cartoons=cartoons))
        found = np.mean([not hasattr(choose_footage(seed, shape), "clip") for seed in range(400)])
        assert found == pytest.approx(cartoons, abs=0.02)


def test_a_film_clips_pictures_can_become_flats_or_codes(library: Path) -> None:
    shape = replace(FILM, sources=library)
    reds = {}
    for colors in ("pictures", "flats", "codes"):
        recipe: Recipe = replace(PAPER, colors=colors)  # type: ignore[arg-type]
        sample = draw_sample(3, replace(shape, recipe=recipe))
        reds[colors] = sample["color"].reshape(-1, 3)
    assert len(np.unique(reds["flats"], axis=0)) <= 72 < len(np.unique(reds["pictures"], axis=0))
    close = (np.abs(reds["flats"].astype(int) - (220, 40, 40)).max(axis=1) < 30).sum()
    assert close > 0 == (np.abs(reds["codes"].astype(int) - (220, 40, 40)).max(axis=1) < 12).sum()


def test_hints_can_be_added_to_pictures(library: Path) -> None:
    sample = draw_sample(3, replace(FILM, sources=library), Hints(1.0, None))
    assert np.array_equal(sample["color"], draw_sample(3, replace(FILM, sources=library))["color"])
    right = np.abs(sample["hint"].astype(int) - sample["color"][1:]).max(axis=3) < 40
    assert sample["hinted"] and 0.2 < right.mean() < 0.95, "guesses at the pictures' fills, with mistakes"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A converted published pipeline of small width."""
    folder = tmp_path_factory.mktemp("published")
    plan_conversion(write_downloads(folder)[0], folder / "base", torch.float32, SETTINGS).run()
    return folder / "base"


SMALL = SampleShape(drawings=9, height=32, width=32, history=6, recipe=PAPER)
QUICK = Settings(batch=1, workers=0)


def reward_stage(base: Path, folder: Path, steps: int, guidance: float, **settings: Any) -> RewardStage:
    return RewardStage(folder, SMALL, replace(QUICK, base=base, **settings), None, "both", 2, steps, guidance, None)


def test_colorings_are_sampled_as_at_inference(base: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    stage = reward_stage(base, tmp_path, 5, 6.0)
    batch = next(stage.batches(QUICK, 0)) | {"prompt": ["a girl"]}
    given = stage.conditions(batch)
    negative = stage.pipeline.encode_prompt("")
    (guidance,) = (stage.guidance(1),)
    assert guidance is not None and torch.allclose(guidance.negative, negative, atol=1e-5)
    (scheduler := stage.pipeline.scheduler).set_timesteps(5)
    latents, timestep = torch.randn(given.sketch.shape), int(scheduler.timesteps[0])
    with torch.no_grad():
        sampler = Sampler(stage.denoiser, scheduler, given, negative, 6.0, 5)
        expected = solve_step(scheduler, sampler.velocity(0, timestep, latents), None, timestep, None, latents)
        found = stage.step(timestep, None, None, latents, given, guidance)
        without = stage.step(timestep, None, None, latents, given)
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in zip(found, expected, strict=True))
    assert not torch.allclose(found[0], without[0], atol=1e-4)


@pytest.mark.parametrize(("guidance", "predictions"), [(6.0, 2), (1.0, 1)])
def test_a_reward_takes_all_steps_with_and_without_the_prompt(
    base: Path, tmp_path: Path, guidance: float, predictions: int
) -> None:
    torch.manual_seed(0)
    stage = reward_stage(base, tmp_path, 50, guidance)
    predict, asked = stage.predict, []

    def count(noisy: torch.Tensor, timestep: torch.Tensor, given: Any) -> torch.Tensor:
        asked.append((int(timestep[0]), torch.is_grad_enabled()))
        return predict(noisy, timestep, given)

    stage.predict = count  # type: ignore[method-assign]
    stage.loss(next(stage.batches(QUICK, 0))).backward()
    sampled = [timestep for timestep, learns in asked if not learns]
    assert sampled == [timestep for timestep in range(999, 0, -20) for _ in range(predictions)]
    assert len(asked) == predictions * (50 + 2), "two steps stand for all in the likelihood"
    assert all(parameter.grad is not None for parameter in stage.modules["sketch_dit"].parameters())


def test_recomputing_changes_no_gradient(base: Path, tmp_path: Path) -> None:
    gradients = []
    for recompute in (False, True):
        torch.manual_seed(0)
        stage = reward_stage(base, tmp_path, 3, 6.0, recompute=recompute)
        stage.loss(next(stage.batches(QUICK, 0))).backward()
        gradients.append(stage.pipeline.sketch_dit.zero_conv.weight.grad)
    assert gradients[0].any() and torch.allclose(*gradients, rtol=1e-4, atol=1e-7)


def test_a_reward_has_no_wordless_samples(base: Path, tmp_path: Path) -> None:
    stage = RewardStage(
        tmp_path,
        replace(SMALL, recipe=replace(PAPER, wordless=1.0)),
        replace(QUICK, base=base),
        *(None, "both", 2, 2, 6.0, None),  # type: ignore[arg-type]
    )
    assert not stage.draw(0)["wordless"]


def test_the_memorys_ratio_can_depend_on_what_changes(base: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    settings = replace(QUICK, base=base)
    still = torch.zeros(1, 8, 32, 32, 3, dtype=torch.uint8)
    lively = torch.randint(0, 255, still.shape, dtype=torch.uint8)
    counts = {}
    for ratio in (8, 2, "dynamic"):
        stage = MemoryStage(tmp_path, SMALL, settings, None, "global", ("dynamic_memory",), (), ratio)  # type: ignore[arg-type]
        stage.pipeline.video_xl.register_to_config(change_threshold=1e-6)
        counts[ratio] = [stage.remember(video)[0].shape[3] for video in (still, lively)]
    assert counts[8][0] == counts[8][1] < counts[2][0] == counts[2][1]
    assert counts["dynamic"] == [counts[8][0], counts[2][0]], "coarse where nothing changes, fine where much does"
    with pytest.raises(ValueError, match="use --batch 1, and --accumulate 2"):
        MemoryStage(tmp_path, SMALL, replace(settings, batch=2), None, "both", ("dynamic_memory",), (), "dynamic")
