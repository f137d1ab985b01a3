# SPDX-License-Identifier: GPL-3.0-or-later
"""Check of the installed versions: are they the ones that were tested?"""

import platform
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from server.config import REPOSITORY

from .finding import Finding, fault, ok, warning

PROJECT = "longanimation-color"
LOCK = REPOSITORY / "requirements.lock"
INSTALL = "Run `python install.py server`, which updates this environment."


def check_versions(
    project: Distribution | None = None, lock: Path = REPOSITORY / "requirements.lock"
) -> Iterator[Finding]:
    """Compare Python and the packages with the requirements of the installed project and with the lock file, if any.

    project: the installed `PROJECT`, unless given.
    """
    try:
        project = project or distribution(PROJECT)
    except PackageNotFoundError:
        yield fault("Packages", f"{PROJECT} is not installed in this environment", INSTALL)
        return
    wanted, found = project.metadata["Requires-Python"], platform.python_version()
    if SpecifierSet(wanted).contains(found):
        yield ok("Python", found)
    else:
        yield fault("Python", f"{found}, but {wanted} is needed", "Run `python3.11 install.py server`.")
    yield from _check_packages(_required(project.requires or ()), _locked(lock))


def _check_packages(required: Sequence[Requirement], locked: dict[str, str]) -> Iterator[Finding]:
    faults, others = [], []
    for requirement in required:
        try:
            present = version(requirement.name)
        except PackageNotFoundError:
            faults.append(f"{requirement.name} is missing")
            continue
        tested = locked.get(canonicalize_name(requirement.name), present)
        if not requirement.specifier.contains(present, prereleases=True):
            faults.append(f"{requirement.name} is {present}, not {requirement.specifier}")
        elif present != tested:
            others.append(f"{requirement.name} is {present}, not {tested}")
    if faults:
        yield fault("Packages", "; ".join(faults), INSTALL)
    if others:
        yield warning("Packages", f"{'; '.join(others)}: other versions than those tested", INSTALL)
    if not faults and not others:
        yield ok("Packages", f"{len(required)} in the versions that were tested")


def _required(texts: Sequence[str]) -> list[Requirement]:
    """Return the requirements for this machine, without the extras."""
    requirements = [Requirement(text) for text in texts]
    return [item for item in requirements if item.marker is None or item.marker.evaluate({"extra": ""})]


def _locked(path: Path) -> dict[str, str]:
    """Return the exact versions of a lock file by canonical name. A wheel has no lock file."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    exact = [Requirement(line) for line in text.splitlines() if "==" in line]
    return {canonicalize_name(item.name): next(iter(item.specifier)).version for item in exact}
