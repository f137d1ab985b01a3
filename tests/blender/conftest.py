# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: a real Blender, the extension as built, and a way to run a scenario in the one with the other."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from server.extension_build import build_extension, stage_extension

from .process import run_scenario

Scenario = Callable[..., Any]


@pytest.fixture(scope="session")
def built_extension(blender: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension's zip, built by Blender's packer."""
    return build_extension(tmp_path_factory.mktemp("extension"), blender)


@pytest.fixture
def scenario(blender: Path, built_extension: Path, tmp_path: Path) -> Scenario:
    """Call a function of `scenarios` in a new Blender with the extension installed; returns what it returns."""

    return partial(run_scenario, blender, built_extension, tmp_path)


@pytest.fixture(scope="session")
def addon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], ModuleType]]:
    """Import a module of the extension, laid out as in its zip, that needs no Blender."""
    home = tmp_path_factory.mktemp("staged")
    stage_extension(home / "staged_extension")
    sys.path.insert(0, str(home))
    yield lambda name: importlib.import_module(f"staged_extension.{name}")
    sys.path.remove(str(home))
