# SPDX-License-Identifier: GPL-3.0-or-later
"""Python and packages that are not those that were tested."""

import json
from pathlib import Path

import pytest

from server.doctor.versions import check_versions

from .findings import the_one


def repository(folder: Path, python: str = ">=3.11", dependency: str = "flask", lock: str = "") -> Path:
    """A repository that asks for other versions than those installed."""
    project = {"requires-python": python, "dependencies": [dependency]}
    text = "\n".join(f"{name} = {json.dumps(value)}" for name, value in project.items())
    (folder / "pyproject.toml").write_text(f"[project]\n{text}\n")
    (folder / "requirements.lock").write_text(f"# exact versions\n{lock}\n")
    return folder


def test_a_python_that_is_too_old_is_a_fault(tmp_path: Path) -> None:
    assert ">=4" in the_one(check_versions(repository(tmp_path, python=">=4")), "fault", "Python").text


@pytest.mark.parametrize("dependency", ["flask==0.1", "no-such-package-at-all"])
def test_a_missing_or_wrong_package_is_a_fault(tmp_path: Path, dependency: str) -> None:
    found = the_one(check_versions(repository(tmp_path, dependency=dependency)), "fault", "Packages")
    assert dependency.partition("=")[0] in found.text


def test_a_version_that_was_not_tested_is_a_warning(tmp_path: Path) -> None:
    found = the_one(check_versions(repository(tmp_path, lock="Flask==99.0")), "warning", "Packages")
    assert "not 99.0" in found.text
