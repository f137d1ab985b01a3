# SPDX-License-Identifier: GPL-3.0-or-later
"""Is what is installed what was tested?"""

import platform
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from server.config import REPOSITORY

from .finding import Finding, fault, ok, warning

INSTALL = "Run `python install.py server`, which brings this environment up to date."


def check_versions(repository: Path = REPOSITORY) -> Iterator[Finding]:
    """Compare Python and the packages with what `pyproject.toml` asks for and `requirements.lock` names."""
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted, found = project["requires-python"], platform.python_version()
    if SpecifierSet(wanted).contains(found):
        yield ok("Python", found)
    else:
        yield fault("Python", f"{found}, but {wanted} is needed", "Run `python3.11 install.py server`.")
    locked = _locked(repository / "requirements.lock")
    faults, others, count = [], [], 0
    for text in project["dependencies"]:
        requirement = Requirement(text)
        count += 1
        try:
            present = version(requirement.name)
        except PackageNotFoundError:
            faults.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(present, prereleases=True):
            faults.append(f"{requirement.name} is {present}, not {requirement.specifier}")
        elif present != locked.get(requirement.name.lower(), present):
            others.append(f"{requirement.name} is {present}, not {locked[requirement.name.lower()]}")
    if faults:
        yield fault("Packages", "; ".join(faults), INSTALL)
    if others:
        yield warning("Packages", f"{'; '.join(others)}: other versions than those tested", INSTALL)
    if not faults and not others:
        yield ok("Packages", f"{count} in the versions that were tested")


def _locked(path: Path) -> dict[str, str]:
    """The exact versions of a lock file, by name in small letters."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if "==" in line]
    pairs = [line.partition("==") for line in lines]
    return {name.lower().replace("_", "-"): exact for name, _, exact in pairs}
