# SPDX-License-Identifier: GPL-3.0-or-later
"""Beside the weights of a stage lies how they were made."""

import json
import shutil
import subprocess
from dataclasses import fields
from importlib.metadata import version
from math import inf
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from server.training.recipe import PAPER
from server.training.run_record import find_commit
from server.training.samples import SampleShape, sample_batches
from server.training.stage import Settings, train_stage

ROOT = Path(__file__).resolve().parents[2]
SHAPE = SampleShape(9, 32, 48, 6, Path("sources"), PAPER)


def train(folder: Path, **settings: Any) -> list[dict]:
    """Train a line for a few steps, and return the record."""
    line = torch.nn.Linear(3, 1)
    line.save_pretrained = lambda path: path.mkdir(parents=True, exist_ok=True)  # type: ignore[assignment]
    stage = SimpleNamespace(modules={"line": line}, measures={}, to=lambda device: None)
    stage.loss = lambda batch: line(torch.ones(3)).square().mean()
    stage.batches = lambda settings, first: sample_batches(lambda seed: {"seed": seed}, settings, first)
    stage.picture = lambda: np.zeros((8, 8, 3), np.uint8)
    train_stage("line", folder, stage, Settings(workers=0, **settings), shape=SHAPE, ratio="dynamic")
    return json.loads((folder / "line.json").read_text(encoding="utf-8"))


def test_each_call_is_recorded_with_all_settings_versions_and_samples(tmp_path: Path) -> None:
    (call,) = train(tmp_path, steps=2, batch=2, minutes=inf, base=Path("weights") / "base", seen=100)
    assert (tmp_path / "line").is_dir(), "the record is beside the weights"
    assert call["stage"] == "line" and call["began"] < call["ended"]
    assert call["settings"].keys() == {field.name for field in fields(Settings)}
    assert (call["settings"]["steps"], call["settings"]["batch"], call["settings"]["seen"]) == (2, 2, 100)
    assert call["settings"]["minutes"] is None and call["settings"]["base"] == str(Path("weights") / "base")
    assert call["arguments"]["ratio"] == "dynamic"
    assert call["arguments"]["shape"]["recipe"] == vars(PAPER) and call["arguments"]["shape"]["sources"] == "sources"
    assert (call["before"], call["after"]) == ({"steps": 0, "samples": 0}, {"steps": 2, "samples": 4})
    for package in ("torch", "diffusers", "transformers"):
        assert call["versions"][package] == version(package)
    assert call["processes"] == 1 and call["device"] == "cpu"
    assert call["source"] == find_commit(ROOT)

    first, second = train(tmp_path, steps=3, batch=1, rate=1e-4)
    assert first == call, "what an earlier call wrote stays"
    assert (second["before"], second["after"]) == (call["after"], {"steps": 3, "samples": 5})
    assert second["settings"]["rate"] == 1e-4 and second["settings"]["minutes"] == 60


@pytest.mark.skipif(shutil.which("git") is None, reason="no git: sudo apt-get install git")
def test_the_commit_is_found_where_there_is_one(tmp_path: Path) -> None:
    assert find_commit(tmp_path) is None
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run([*git, *command], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert find_commit(tmp_path) == {"commit": head, "changed": False}
    (tmp_path / "file").write_text("new")
    subprocess.run([*git, "add", "file"], check=True)
    assert find_commit(tmp_path) == {"commit": head, "changed": True}
