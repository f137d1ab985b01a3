# SPDX-License-Identifier: GPL-3.0-or-later
"""The job template for render farms, checked and run by Open Job Description's own program.

Blender's program is, where there is only its module, a script that calls the module.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from server.demo.blender_process import ROOT, environment
from shared.protocol import API_PREFIX

from .conftest import Scenario
from .program import program
from .servers import coloring_server

pytest.importorskip("openjd.cli", reason="no Open Job Description: .venv/bin/pip install openjd-cli")

TEMPLATE = ROOT / "docs" / "deploy" / "openjd" / "template.yaml"
_SECONDS = 300
Openjd = Callable[..., "subprocess.CompletedProcess[str]"]
Values = dict[str, object]


@pytest.fixture
def openjd(tmp_path: Path) -> Openjd:
    """Run `openjd` with these words to its end; what it says is in `stdout`."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "openjd", *words],
            env=environment(tmp_path / "user"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_SECONDS,
            check=False,
        )

    return run


def _parameters(**values: object) -> list[str]:
    return [word for name, value in values.items() for word in ("-p", f"{name}={value}")]


def test_the_template_is_valid_and_has_a_task_a_shot(openjd: Openjd) -> None:
    checked = openjd("check", str(TEMPLATE))
    assert checked.returncode == 0, checked.stdout
    summary = openjd("summary", str(TEMPLATE), *_parameters(BlendFile="film.blend", OutputFolder="out", Shots="1-3,7"))
    assert "Total tasks: 4" in summary.stdout, summary.stdout


def test_a_value_that_the_command_would_refuse_is_refused_before_a_worker_gets_it(openjd: Openjd) -> None:
    values = _parameters(BlendFile="film.blend", OutputFolder="out", Finish="glossy")
    refused = openjd("summary", str(TEMPLATE), *values)
    assert refused.returncode != 0
    assert "glossy" in refused.stdout


@pytest.fixture
def farm(scenario: Scenario, blender: Path, tmp_path: Path) -> Iterator[Values]:
    """The values of a job: a film of three shots, of which the last has no keyframe, and a server."""
    if os.name == "nt":
        pytest.skip("the script that stands for Blender is a shell's")
    film, executable = tmp_path / "film.blend", tmp_path / "blender"
    scenario("cli.film", str(film))
    executable.write_text(f'#!/bin/sh\nexec {shlex.join(program(blender))} "$@"\n', encoding="utf-8")
    executable.chmod(0o755)
    with coloring_server(tmp_path) as server:
        out = tmp_path / "out"
        yield {"BlendFile": film, "OutputFolder": out, "Blender": executable, "Server": server.address, "Seed": 3}


def test_a_farm_colors_a_shot_a_task_and_leaves_the_film_alone(openjd: Openjd, farm: Values, tmp_path: Path) -> None:
    before = (tmp_path / "film.blend").read_bytes()
    ended = openjd("run", str(TEMPLATE), *_parameters(Shots="1-2", **farm))
    assert ended.returncode == 0, ended.stdout
    for name, frames in (("walk", range(1, 5)), ("run", range(5, 9))):
        files = sorted(path.name for path in (tmp_path / "out" / name / "colored").iterdir())
        assert files == [f"{frame:04d}.png" for frame in frames]
    assert "openjd_progress: 100.0" in ended.stdout
    assert "openjd_status: run: exporting image 1 of 5" in ended.stdout
    assert (tmp_path / "film.blend").read_bytes() == before


def test_a_shot_that_cannot_be_colored_fails_its_task_with_the_reason(openjd: Openjd, farm: Values) -> None:
    ended = openjd("run", str(TEMPLATE), *_parameters(Shots="3", **farm))
    assert ended.returncode != 0
    assert "openjd_fail: unpainted: failed. The shot has no keyframe" in ended.stdout


@pytest.mark.usefixtures("interruptible")
def test_a_job_that_is_stopped_on_the_farm_is_cancelled_on_the_server(farm: Values, tmp_path: Path) -> None:
    words = _parameters(Shots="1", **(farm | {"Prompt": "slow", "Frames": "1-4"}))
    command = [sys.executable, "-m", "openjd", "run", str(TEMPLATE), *words]
    running = subprocess.Popen(command, env=environment(tmp_path / "user"), stdout=subprocess.PIPE, text=True)
    with running as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if "Coloring" in line:
                process.send_signal(signal.SIGINT)
                break
        said.append(process.communicate(timeout=_SECONDS)[0])
    record = json.loads((tmp_path / "out" / "walk" / "take.json").read_text(encoding="utf-8"))
    job = requests.get(f"{farm['Server']}{API_PREFIX}/jobs/{record['job']}", timeout=30).json()
    assert (record["state"], job["state"]) == ("cancelled", "cancelled"), "".join(said)
