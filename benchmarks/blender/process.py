# SPDX-License-Identifier: GPL-3.0-or-later
"""A function called in a Blender process of its own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from server.demo.blender_process import ROOT, command, environment

_SECONDS = 300


def run_in_blender(blender: Path, archive: Path, folder: Path, name: str, *arguments: object) -> Any:
    """Start Blender with the built extension `archive` installed, call a function (`package.module.function`) in it,
    and return the result. `folder` gets Blender's user folder and the file with the result."""
    answer = folder / "answer.json"
    result = subprocess.run(
        command(blender, "benchmarks.blender.in_blender", "run", name, str(archive), str(answer), *arguments),
        env=environment(folder / "user"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads(answer.read_text(encoding="utf-8"))
