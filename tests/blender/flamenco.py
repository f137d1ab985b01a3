# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins for Flamenco's manager and worker. They follow its documentation; they are not Flamenco."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from server.demo.blender_process import ROOT

JOB_TYPE = ROOT / "docs" / "deploy" / "flamenco" / "longanimation_color.js"

Task = dict[str, Any]


class Manager:
    """Compiles jobs with the job type's script, in a JavaScript engine with the stub of Flamenco's functions."""

    def __init__(self, script: str) -> None:
        racer = pytest.importorskip("py_mini_racer", reason="no JavaScript engine: .venv/bin/pip install mini-racer")
        self.refused = racer.JSEvalException
        self._engine = racer.MiniRacer()
        self._engine.eval(Path(__file__).with_name("flamenco_stub.js").read_text(encoding="utf-8"))
        self._engine.eval(f'"use strict";\n{script}')

    def defaults(self) -> dict[str, Any]:
        """Check JOB_TYPE; return the values that the add-on sends if the artist changes none."""
        return dict(json.loads(self._engine.eval("JSON.stringify(defaultsOf(JOB_TYPE))")))

    def tasks(self, **settings: Any) -> list[Task]:
        """Return the tasks of a job that has just these settings. Raises `refused` if the script refuses them."""
        code = f"JSON.stringify(compiled(compileJob, JOB_TYPE, {json.dumps(settings)}))"
        return list(json.loads(self._engine.eval(code)))


def command_line(task: Task, blender: str, blender_args: str) -> list[str]:
    """Return the words that a worker runs for a task that has just one command, which runs Blender.

    blender, blender_args: the farm's values of Flamenco's variables of these names.
    """
    (command,) = task["commands"]
    assert command["name"] == "blender-render"
    given = command["parameters"]
    executable = given["exe"].replace("{blender}", blender)
    before = shlex.split(given["exeArgs"].replace("{blenderArgs}", blender_args))
    return [executable, *before, *given["argsBefore"], given["blendfile"], *given["args"]]
