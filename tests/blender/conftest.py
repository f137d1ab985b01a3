# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: a real Blender, the extension as built, and a way to run a scenario in the one with the other."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from server.extension_build import build_extension, stage_extension
from tests.demo.blender import ROOT, command, environment

_SECONDS = 300
Scenario = Callable[..., Any]


@pytest.fixture(scope="session")
def built_extension(blender: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension's zip, built by Blender's packer."""
    return build_extension(tmp_path_factory.mktemp("extension"), blender)


@pytest.fixture
def scenario(blender: Path, built_extension: Path, tmp_path: Path) -> Scenario:
    """Call a function of `scenarios` in a new Blender with the extension installed; returns what it returns."""

    def run(name: str, *arguments: object) -> Any:
        answer = tmp_path / "answer.json"
        result = subprocess.run(
            command(blender, "tests.blender.scenarios", "run", name, str(built_extension), str(answer), *arguments),
            env=environment(tmp_path / "user"),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return json.loads(answer.read_text(encoding="utf-8"))

    return run


@pytest.fixture(scope="session")
def addon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], ModuleType]]:
    """Import a module of the extension, laid out as in its zip, that needs no Blender."""
    home = tmp_path_factory.mktemp("staged")
    stage_extension(home / "staged_extension")
    sys.path.insert(0, str(home))
    yield lambda name: importlib.import_module(f"staged_extension.{name}")
    sys.path.remove(str(home))
