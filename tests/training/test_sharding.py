# SPDX-License-Identifier: GPL-3.0-or-later
"""In several processes, each keeps a part of what is frozen, and the same is learned."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from server.longanimation.convert import plan_conversion
from server.presets.published_preset import SETTINGS
from server.training.sharding import repeated_layers
from server.training.stage import Settings
from server.training.stages.memory import MemoryStage
from tests.longanimation.miniature import write_downloads
from tests.training.sharded_runs import SHAPE

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = 2


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A converted published pipeline of small width."""
    folder = tmp_path_factory.mktemp("published")
    plan_conversion(write_downloads(folder)[0], folder / "base", torch.float32, SETTINGS).run()
    return folder / "base"


def launch(*command: str) -> None:
    """Run a module as docs/training.md says, with the configuration in the repository, in two processes with gloo."""
    config = ROOT / "server" / "training" / "accelerate.yaml"
    launcher = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(config)]
    environment = {**os.environ, "ACCELERATE_USE_CPU": "true", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*launcher, "--num_processes", str(PROCESSES), "--main_process_port", "0", "-m", *command],
        cwd=ROOT,
        env=environment,
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]


def test_shards_are_parts_and_train_the_same_weights(base: Path, tmp_path: Path) -> None:
    launch("tests.training.sharded_runs", str(base), str(tmp_path))
    counts = json.loads((tmp_path / "frozen.json").read_text(encoding="utf-8"))
    for name, (kept, there) in counts["whole"].items():
        assert kept == there, name
    for name, (kept, there) in counts["sharded"].items():
        assert there == counts["whole"][name][1], name
        assert (kept == there) == (name == "vae"), name
        assert kept < 0.85 * there or name == "vae", name
    for name in ("dynamic_memory", "sketch_dit"):
        whole, sharded = (
            load_file(tmp_path / kind / name / "diffusion_pytorch_model.safetensors") for kind in ("whole", "sharded")
        )
        assert whole.keys() == sharded.keys()
        for key, weight in whole.items():
            assert torch.allclose(weight, sharded[key], rtol=1e-4, atol=1e-6), f"{name} {key}"


def test_the_command_trains_in_shards(base: Path, tmp_path: Path) -> None:
    options = ("--size", "32x32", "--drawings", "9", "--steps", "1", "--workers", "0", "--precision", "no", "--shard")
    launch("server", "train", "sketch", "--base", str(base), "--output", str(tmp_path), *options)
    assert load_file(tmp_path / "sketch_dit" / "diffusion_pytorch_model.safetensors")["zero_conv.weight"].any()
    assert not (tmp_path / "sketch-run" / "samples").exists(), "one process cannot paint alone"


def test_the_layers_of_each_frozen_module_are_found(base: Path, tmp_path: Path) -> None:
    settings = Settings(batch=1, base=base)
    stage = MemoryStage(tmp_path, SHAPE, settings, None, "both", ("dynamic_memory",), (), None)
    pipeline = stage.pipeline
    found = {
        name: [type(layer).__name__ for layer in repeated_layers(getattr(pipeline, name))]
        for name in ("text_encoder", "transformer", "sketch_dit", "video_xl")
    }
    assert found["text_encoder"] == ["T5Block"] * 2
    assert found["transformer"] == ["ControlledBlock"] * 3 and found["sketch_dit"] == ["CogVideoXBlock"] * 2
    assert found["video_xl"] == ["BeaconLayer"] * 9 + ["CLIPEncoderLayer"] * 3
    with pytest.raises(ValueError, match="give a number as --ratio, or leave out --shard"):
        replaced = replace(settings, shard=True)
        MemoryStage(tmp_path, SHAPE, replaced, None, "both", ("dynamic_memory",), (), "dynamic")
