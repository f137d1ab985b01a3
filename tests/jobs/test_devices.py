# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker owns as many GPUs as color a shot together."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from server.coloring.colorizer import Colorizer
from server.config import ConfigError
from server.jobs import devices
from server.presets.preset import WEIGHTS, available_presets, gpus_per_worker


def install(weights: Path, name: str, **settings: object) -> None:
    """Install a preset that has no weights."""
    folder = weights / name
    folder.mkdir(parents=True)
    shutil.copy(WEIGHTS / "tiny" / "preset.json", folder)
    read = json.loads((folder / "preset.json").read_text(encoding="utf-8"))
    (folder / "preset.json").write_text(json.dumps(read | settings), encoding="utf-8")


def test_the_preset_for_most_gpus_decides(tmp_path: Path) -> None:
    assert gpus_per_worker(tmp_path) == 1
    install(tmp_path, "one", gpu=True)
    install(tmp_path, "on-the-cpu", gpu=False, context_parallel=8)
    assert gpus_per_worker(tmp_path) == 1
    install(tmp_path, "three", gpu=True, context_parallel=3)
    assert gpus_per_worker(tmp_path) == 3


@pytest.mark.parametrize("count", [0, 2.5, "2"])
def test_what_is_no_number_of_gpus_is_refused_when_a_preset_is_read(tmp_path: Path, count: object) -> None:
    install(tmp_path, "wrong", context_parallel=count)
    with pytest.raises(ValueError, match=f"wrong sets `context_parallel` to {count!r}: give the number of GPUs"):
        available_presets(tmp_path)


def test_workers_own_groups_of_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "gpus_per_worker", lambda: 3)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 6)
    monkeypatch.setattr(Colorizer, "check_memory", lambda *_: None)
    assert [devices.find_device("cuda", index, "auto").name for index in range(2)] == ["cuda:0", "cuda:3"]
    with pytest.raises(ConfigError, match="no GPU 6: torch sees 6"):
        devices.find_device("cuda", 2, "auto")
