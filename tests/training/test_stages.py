# SPDX-License-Identifier: GPL-3.0-or-later
"""Every stage trains, stops and continues, and a preset that loads results, on the tiny stack and a published base."""

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import cv2
import pytest
import torch

from server.longanimation import LongAnimationPipeline, SketchDiT, VideoXL
from server.longanimation.convert import plan_conversion
from server.longanimation.tiny import tiny_video_xl
from server.presets.preset import find_preset
from server.training import run
from server.training.preset import SETTINGS, assemble_preset
from server.training.run import TrainingRun
from server.training.samples import SampleShape, draw_sample
from server.training.stack import load_stack
from server.training.stage import Settings
from server.training.stages.describe import DescribeStage, train_describe
from server.training.stages.memory import MemoryStage, train_memory
from server.training.stages.reward import RewardStage, train_reward
from server.training.stages.sketch import train_sketch
from server.training.stages.vae import train_vae
from tests.longanimation.miniature import write_downloads, write_json

pytestmark = pytest.mark.slow

QUICK = Settings(steps=2, batch=1, workers=0)
SMALL = SampleShape(drawings=2, height=32, width=48, history=3)
ON_BASE = SampleShape(drawings=9, height=32, width=48, history=3)
"""Nine drawings are three latents of the published VAE."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A converted published pipeline, at small width."""
    folder = tmp_path_factory.mktemp("published")
    plan_conversion(write_downloads(folder)[0], folder / "base", torch.float32).run()
    write_json(folder / "base" / "preset.json", SETTINGS | {"title": "Miniature"})
    return folder / "base"


def steps_logged(folder: Path) -> list[int]:
    with (folder / "log.csv").open() as file:
        return [int(row[0]) for row in csv.reader(file)]


def test_the_stages_in_order_make_a_preset(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="train the stage `vae` first"):
        train_sketch(tmp_path, SMALL, QUICK)
    train_vae(tmp_path, SMALL, QUICK)
    train_sketch(tmp_path, SMALL, QUICK)
    train_sketch(tmp_path, SMALL, replace(QUICK, steps=3))
    assert steps_logged(tmp_path / "sketch-run") == [1, 2, 3]

    with pytest.raises(FileNotFoundError, match="train the stage `describe` first"):
        train_memory(tmp_path, SMALL, QUICK)
    tiny_video_xl().save_pretrained(tmp_path / "video_xl")
    train_memory(tmp_path, SMALL, QUICK)
    train_reward(tmp_path, SMALL, QUICK, colorings=2, steps=2)
    for stage in ("vae", "sketch", "memory", "reward"):
        assert list((tmp_path / f"{stage}-run" / "tensorboard").iterdir())
        picture = cv2.imread(str(next((tmp_path / f"{stage}-run" / "samples").iterdir())))
        assert picture.shape[1] == 3 * 48 + 2 * 4 and picture.std() > 10

    assemble_preset(tmp_path, target=tmp_path / "weights" / "small")
    assert find_preset("small", tmp_path / "weights").hints
    assert not find_preset("small", tmp_path / "weights").binary_sketches
    assert not [path for path in (tmp_path / "weights").rglob("*.json") if str(tmp_path) in path.read_text()]
    loaded = LongAnimationPipeline.from_pretrained(tmp_path / "weights" / "small")
    assert loaded.transformer.dtype == torch.float32
    assert loaded.dynamic_memory.proj_out.any()


def test_a_stage_begins_with_the_weights_that_lie_there(tmp_path: Path) -> None:
    shipped = tiny_video_xl()
    shipped.save_pretrained(tmp_path / "video_xl")
    stage = DescribeStage(tmp_path, SMALL, base=None)
    assert torch.equal(stage.video_xl.lm_head.weight, shipped.lm_head.weight)


def test_describing_is_learned_and_comes_from_the_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "WARMUP_STEPS", 1)
    torch.manual_seed(0)
    train_describe(tmp_path, replace(SMALL, history=1), replace(QUICK, steps=1))
    assert VideoXL.from_pretrained(tmp_path / "video_xl")
    stage = DescribeStage(tmp_path, replace(SMALL, history=1), base=None)
    batch = next(stage.batches(QUICK, 0)) | {"sentence": ["red"]}
    before = stage.loss(batch).item()
    TrainingRun(tmp_path / "fit", stage.modules, 3e-3).train(iter(lambda: batch, None), stage.loss, 5, steps=8)
    assert stage.loss(batch).item() < 0.5 * before
    stage.loss(batch).backward()
    beacons = stage.video_xl.model.layers[-1].self_attn.beacon_k_proj
    assert beacons.weight.grad.any(), "what is said must come through the beacons' keys"


def test_sketch_dit_begins_as_the_base_and_the_base_stays(base: Path, tmp_path: Path) -> None:
    fresh = load_stack(tmp_path, base, reinitialized=("sketch_dit",))
    assert not fresh.sketch_dit.zero_conv.weight.any()
    for index, block in enumerate(fresh.sketch_dit.transformer_blocks):
        for name, weight in block.named_parameters():
            assert torch.equal(weight, fresh.transformer.transformer_blocks[index].get_parameter(name))

    train_sketch(tmp_path, ON_BASE, replace(QUICK, steps=1, base=base, recompute=True))
    assert SketchDiT.from_pretrained(tmp_path / "sketch_dit").zero_conv.weight.any()
    assert not (tmp_path / "transformer").exists() and not (tmp_path / "text_encoder").exists()
    train_memory(tmp_path, ON_BASE, replace(QUICK, steps=2, base=base))
    train_reward(tmp_path, ON_BASE, replace(QUICK, steps=1, base=base), colorings=2, steps=2)
    records = {stage: json.loads((tmp_path / f"{stage}.json").read_text()) for stage in ("sketch", "memory", "reward")}
    assert [len(calls) for calls in records.values()] == [1, 1, 1]
    arguments = records["reward"][0]["arguments"]
    assert (arguments["colorings"], arguments["sampling"], arguments["shape"]["drawings"]) == (2, 2, 9)
    (row,) = csv.reader((tmp_path / "reward-run" / "log.csv").open())
    assert float(row[-1]) < 0, "the reward is logged: the negative of a distance"

    assemble_preset(tmp_path, base, tmp_path / "weights" / "mine", hints=False)
    settings = find_preset("mine", tmp_path / "weights")
    assert settings.title == "Miniature" and not settings.hints and settings.binary_sketches
    mine = LongAnimationPipeline.from_pretrained(tmp_path / "weights" / "mine")
    assert mine.dynamic_memory.proj_out.abs().max() < 0.01, "DGLM began silent, not as the base's"
    frozen = LongAnimationPipeline.from_pretrained(base).to(torch.bfloat16)
    for name in ("transformer", "vae", "text_encoder", "video_xl"):
        pairs = zip(getattr(mine, name).parameters(), getattr(frozen, name).parameters(), strict=True)
        assert all(torch.equal(one, other.float()) for one, other in pairs), name


def test_a_shape_that_the_model_cannot_take_is_refused(base: Path, tmp_path: Path) -> None:
    on_base = replace(QUICK, base=base)
    with pytest.raises(ValueError, match=re.escape("--drawings 5 does not fill this model's latents: use 9")):
        train_sketch(tmp_path, replace(ON_BASE, drawings=5), on_base)
    with pytest.raises(ValueError, match="--size 40x32 does not fit this model: use multiples of 16"):
        train_sketch(tmp_path, replace(ON_BASE, width=40), on_base)


def test_dglm_reads_what_it_is_told_to(base: Path, tmp_path: Path) -> None:
    history = torch.randint(0, 255, (1, 6, 32, 48, 3), dtype=torch.uint8)
    tokens = {}
    for kind in ("local", "global", "both"):
        shape = replace(ON_BASE, history=6)
        stage = MemoryStage(tmp_path, shape, replace(QUICK, base=base), None, kind, ("dynamic_memory",), (), None)  # type: ignore[arg-type]
        tokens[kind] = [0 if part is None else part.shape[3] for part in stage.remember(history)]
    (local, _), (everything, _) = tokens["local"], tokens["global"]
    assert tokens == {"local": [local, 0], "global": [everything, 0], "both": [everything, local]}
    assert local < everything


def test_the_reward_rises(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "WARMUP_STEPS", 1)
    torch.manual_seed(0)
    settings = replace(QUICK, base=base)
    stage = RewardStage(tmp_path, replace(ON_BASE, width=32), settings, None, "global", 8, 4, 1.0)
    stage.rewards = lambda latents, batch: latents[:, 1:].mean((1, 2, 3, 4))  # type: ignore[method-assign]
    batch = next(stage.batches(settings, 0))
    given = stage.conditions(batch).repeat_interleave(4)

    def reward() -> float:
        sampled = stage.sample(given, 4, torch.Generator().manual_seed(1))
        return stage.rewards(sampled[-1].drawn, batch).mean().item()

    before = reward()
    TrainingRun(tmp_path / "fit", stage.modules, 3e-2).train(iter(lambda: batch, None), stage.loss, 5, steps=15)
    assert reward() > before + 0.01


def test_a_sample_is_the_same_every_time_and_keeps_its_history_apart() -> None:
    shape = SampleShape(drawings=3, height=32, width=48, history=4)
    one, other = draw_sample(7, shape), draw_sample(7, shape)
    assert one["color"].shape == (4, 32, 48, 3) and one["line_art"].shape == (4, 32, 48)
    assert one["history"].shape == (4, 32, 48, 3)
    assert all((one[key] == other[key]).all() for key in ("color", "line_art", "history"))
