# SPDX-License-Identifier: GPL-3.0-or-later
"""The built extension installs through Blender's own extension system."""

from __future__ import annotations

import tomllib
import zipfile
from pathlib import Path

import pytest

from server.extension_build import BuildError, build_extension

from .conftest import Scenario


def test_zip_holds_the_extension_and_shared_but_no_leftovers(built_extension: Path) -> None:
    with zipfile.ZipFile(built_extension) as archive:
        names = set(archive.namelist())
        manifest = tomllib.loads(archive.read("blender_manifest.toml").decode())
    assert {"__init__.py", "remote/session.py", "shared/remote/client.py", "shared/protocol.py"} <= names
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]
    assert manifest["license"] == ["SPDX:GPL-3.0-or-later"]
    assert set(manifest["permissions"]) == {"network", "files"}


def test_building_without_blender_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="install Blender's Python module"):
        build_extension(tmp_path / "out", tmp_path / "bin" / "python")


def test_enabling_adds_everything_and_disabling_removes_it(scenario: Scenario) -> None:
    found = scenario("enabling.registration")
    assert found["server"] == "http://127.0.0.1:7860"
    assert all(found["enabled"].values()), found["enabled"]
    assert not any(found["disabled"].values()), found["disabled"]
    assert all(found["again"].values()), found["again"]
    assert found["alone"] == ["shot", "checks", "queue", "takes", "batch"], "only what is in no other can be pinned"


def test_uninstalling_leaves_the_takes_of_files_that_were_never_saved(scenario: Scenario) -> None:
    assert scenario("enabling.uninstalled") == {"extension": False, "take": True}
