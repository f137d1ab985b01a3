# SPDX-License-Identifier: GPL-3.0-or-later
"""The job type for Flamenco. Its script runs with stubs of Flamenco; Blender and the coloring server are real.

Blender's program is, where there is only its module, a script that calls the module.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from server.demo.blender_process import ROOT, environment

from .conftest import Scenario
from .flamenco import JOB_TYPE, Manager, Task, command_line
from .program import program
from .servers import coloring_server

_SECONDS = 300
GIVEN = {"blendfile": "/farm/film.blend", "output_folder": "/farm/color"}


@pytest.fixture
def manager() -> Manager:
    """A stub of the manager, with the job type."""
    return Manager(JOB_TYPE.read_text(encoding="utf-8"))


def test_a_job_has_a_task_a_shot_that_runs_blender(manager: Manager) -> None:
    settings = manager.defaults() | GIVEN | {"shots": "7, 1-3,2", "finish": "painted", "prompt": "two friends, at dusk"}
    tasks = manager.tasks(**settings)
    assert [task["name"] for task in tasks] == [f"color-shot-{shot}" for shot in (1, 2, 3, 7)]
    assert all(task["type"] == "blender" and not task["dependencies"] for task in tasks)
    words = command_line(tasks[3], "/opt/blender", "-b -y")
    assert words == [
        *("/opt/blender", "-b", "-y", "--online-mode", "/farm/film.blend", "--command", "longanimation", "colorize"),
        *("--from=markers", "--shot=7", "--scene=", "--frames=", "--keyframe=", "--directory", "/farm/color"),
        *("--server=http://127.0.0.1:7860", "--preset=", "--finish=painted", "--quality=", "--seed="),
        *("--prompt=two friends, at dusk", "--layout=", "--no-save", "--json"),
    ]


def test_settings_that_a_script_leaves_out_are_as_saved(manager: Manager) -> None:
    (task,) = manager.tasks(**GIVEN, shots_from="list", shots="1", server="http://colors.studio:7860")
    empty = [word for word in command_line(task, "blender", "") if word.endswith("=")]
    options = ("scene", "frames", "keyframe", "preset", "finish", "quality", "seed", "prompt", "layout")
    assert empty == [f"--{option}=" for option in options]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"finish": "glossy"}, 'The setting finish is "glossy", which is not one of: as saved, flats, painted.'),
        ({"shots_from": "scene2"}, 'The setting shots_from is "scene2", which is not one of: markers, list'),
        ({"server": ""}, "The setting server is missing: Address of the coloring server"),
        ({"output_folder": None}, "The setting output_folder is missing: "),
        ({"shots": "walk"}, 'invalid range "walk"'),
    ],
)
def test_a_value_that_the_command_would_refuse_is_refused_before_a_worker_gets_it(
    manager: Manager, wrong: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(manager.refused, match=re.escape(sentence)):
        manager.tasks(**(manager.defaults() | GIVEN | wrong))


def test_both_templates_run_the_same_command(manager: Manager) -> None:
    def options(words: list[str]) -> set[str]:
        return {word.partition("=")[0] for word in words if word.startswith("--")} - {"--openjd"}

    template = (ROOT / "docs" / "deploy" / "openjd" / "template.yaml").read_text(encoding="utf-8")
    (task, *_) = manager.tasks(**(manager.defaults() | GIVEN))
    assert options(command_line(task, "blender", "")) == options(re.findall(r"^ +- (--.+)$", template, re.MULTILINE))


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ('author.Chore("a", "misc")', "author has no Chore"),
        ('author.Task("a", "coloring")', "author.Task does not take"),
        ('author.Command("blender", {})', "author.Command does not take"),
        ('author.Command("exec", {exe: "a", shell: true})', "the command exec has no shell"),
        ('author.Command("blender-render", {exe: "a", blendfile: 1})', "blendfile cannot be 1"),
        ("job.addTask({})", "addTask does not take"),
        ("job.settings.colour", "the job's settings has no colour"),
        ("console.log(1)", "console is not defined"),
    ],
)
def test_the_stub_refuses_what_flamenco_does_not_document(code: str, fault: str) -> None:
    manager = Manager(f"const JOB_TYPE = {{label: 'A', settings: []}}; function compileJob(job) {{ {code}; }}")
    with pytest.raises(manager.refused, match=re.escape(fault)):
        manager.tasks()


Run = Callable[[Task], "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(blender: Path, tmp_path: Path) -> Run:
    """Run a task as a worker does; what it says is in `stdout`."""
    if os.name == "nt":
        pytest.skip("the script that stands for Blender is a shell's")
    executable = tmp_path / "blender"
    executable.write_text(f'#!/bin/sh\nexec {shlex.join(program(blender))} "$@"\n', encoding="utf-8")
    executable.chmod(0o755)

    def wait(task: Task) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command_line(task, str(executable), ""),
            env=environment(tmp_path / "user"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_SECONDS,
            check=False,
        )

    return wait


def test_the_tasks_color_their_shots_leave_the_film_alone_and_fail_with_the_reason(
    manager: Manager, run: Run, scenario: Scenario, tmp_path: Path
) -> None:
    film, out = tmp_path / "film.blend", tmp_path / "out"
    scenario("cli.film", str(film))
    before = film.read_bytes()
    with coloring_server(tmp_path) as server:
        given = {
            "blendfile": str(film),
            "output_folder": str(out),
            "server": server.address,
            "shots": "1-3",
            "seed": "3",
        }
        *painted, unpainted = manager.tasks(**(manager.defaults() | given))
        for task, name, frames in zip(painted, ("walk", "run"), (range(1, 5), range(5, 9)), strict=True):
            ended = run(task)
            assert ended.returncode == 0, ended.stdout
            files = sorted(path.name for path in (out / name / "colored").iterdir())
            assert files == [f"{frame:04d}.png" for frame in frames]
        failed = run(unpainted)
    assert failed.returncode == 1
    assert "The shot has no keyframe" in failed.stdout
    assert film.read_bytes() == before
