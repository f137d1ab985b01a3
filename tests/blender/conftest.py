# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: a real Blender, the built extension, and a function that runs a scenario in this Blender with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.blender.process import run_in_blender
from server.extension_build import build_extension

Scenario = Callable[..., Any]


@pytest.fixture(scope="session")
def built_extension(blender: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension's zip, built by Blender's packer."""
    return build_extension(tmp_path_factory.mktemp("extension"), blender)


@pytest.fixture
def scenario(blender: Path, built_extension: Path, tmp_path: Path) -> Scenario:
    """Call a function of `scenarios` in a new Blender with the extension installed. Returns the function's result."""

    def call(name: str, *arguments: object) -> Any:
        return run_in_blender(blender, built_extension, tmp_path, f"tests.blender.scenarios.{name}", *arguments)

    return call
