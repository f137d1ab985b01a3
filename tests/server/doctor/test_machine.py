# SPDX-License-Identifier: GPL-3.0-or-later
"""The processor, the GPU and the film encoder."""

import os
from dataclasses import replace
from pathlib import Path

import av
import pytest
import torch

from server.doctor.machine import check_devices, check_films
from server.presets.preset import available_presets

from .findings import the_one


def test_a_gpu_that_only_the_driver_sees_is_told_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if torch.cuda.is_available():
        pytest.skip("torch can use the GPU here")
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'GPU 0: NVIDIA A100-SXM4-80GB (UUID: GPU-1)'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    found = the_one(check_devices(), "warning", "GPU")
    assert "NVIDIA A100-SXM4-80GB" in found.text and torch.__version__ in found.text


@pytest.mark.parametrize(("free", "state"), [(40_000_000_000, "ok"), (1_000_000, "warning")])
def test_it_tells_which_presets_fit_a_gpu(monkeypatch: pytest.MonkeyPatch, free: int, state: str) -> None:
    for name, value in (
        ("is_available", True),
        ("device_count", 1),
        ("get_device_name", "NVIDIA A100"),
        ("mem_get_info", (free, 80_000_000_000)),
        ("is_bf16_supported", True),
    ):
        monkeypatch.setattr(torch.cuda, name, lambda *_, value=value, **__: value)
    preset = replace(available_presets()[0], gpu=True)
    found = the_one(check_devices([preset]), state, "GPU 0, tiny")
    assert ("too little" in found.text) == (state == "warning")


def test_a_preset_for_gpus_without_one_is_a_warning() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    assert "tiny" in the_one(check_devices([replace(available_presets()[0], gpu=True)]), "warning", "GPU").text


def test_a_missing_film_encoder_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    codec = av.codec.Codec
    monkeypatch.setattr(av.codec, "Codec", lambda _name, mode: codec("no such encoder", mode))
    the_one(check_films(), "fault", "Films")
