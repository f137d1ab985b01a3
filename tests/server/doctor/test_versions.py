# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of Python and of packages that were not tested."""

from importlib.metadata import Distribution
from pathlib import Path

import pytest

from server.doctor import versions
from server.doctor.versions import check_versions

from .findings import the_one


def project(folder: Path, python: str = ">=3.11", dependency: str = "flask") -> Distribution:
    """An installed project that asks for other versions than those installed."""
    wanted = f"Requires-Python: {python}\nRequires-Dist: {dependency}\nRequires-Dist: absent; extra == 'other'\n"
    (folder / "METADATA").write_text(f"Metadata-Version: 2.4\nName: project\nVersion: 1.0\n{wanted}")
    return Distribution.at(folder)


def test_a_python_that_is_too_old_is_a_fault(tmp_path: Path) -> None:
    assert ">=4" in the_one(check_versions(project(tmp_path, python=">=4")), "fault", "Python").text


@pytest.mark.parametrize("dependency", ["flask==0.1", "no-such-package-at-all"])
def test_a_missing_or_wrong_package_is_a_fault(tmp_path: Path, dependency: str) -> None:
    found = the_one(check_versions(project(tmp_path, dependency=dependency)), "fault", "Packages")
    assert dependency.partition("=")[0] in found.text


def test_a_version_that_was_not_tested_is_a_warning(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("# exact versions\nFlask==99.0 ; sys_platform != 'emscripten'\n")
    found = the_one(check_versions(project(tmp_path), lock), "warning", "Packages")
    assert "not 99.0" in found.text


def test_a_project_that_is_not_installed_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "PROJECT", "no-such-project")
    assert "no-such-project" in the_one(check_versions(), "fault", "Packages").text
