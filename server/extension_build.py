# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the Blender extension into a zip with Blender's own packer. Standard library only."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_UNWANTED = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
_PACKER = "*/scripts/addons_core/bl_pkg/cli/blender_ext.py"


class BuildError(RuntimeError):
    """The extension could not be built; the text says why."""


def build_extension(output_dir: Path, blender_python: Path) -> Path:
    """Write the extension's zip into `output_dir` and return its path.

    blender_python: the Python of an environment with the `bpy` package, whose packer builds and validates. The
    modules of `shared` go into the zip as its sub-package of that name. Raises BuildError with the packer's words.
    """
    packer = _find_packer(blender_python)
    output_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        source, built = Path(temporary, "source"), Path(temporary, "built")
        stage_extension(source)
        built.mkdir()
        _run(blender_python, packer, "build", "--source-dir", source, "--output-dir", built)
        (package,) = built.glob("*.zip")
        _run(blender_python, packer, "validate", package)
        return Path(shutil.copy2(package, output_dir))


def stage_extension(target: Path) -> None:
    """Lay out the extension in the new folder `target` as it is in the zip."""
    shutil.copytree(_ROOT / "blender_addon", target, ignore=_UNWANTED)
    shutil.copytree(_ROOT / "shared", target / "shared", ignore=_UNWANTED)


def _find_packer(blender_python: Path) -> Path:
    home = Path(blender_python).absolute().parent.parent
    for packages in (home / "Lib" / "site-packages", *sorted(home.glob("lib/python3*/site-packages"))):
        for packer in sorted((packages / "bpy").glob(_PACKER)):
            return packer
    raise BuildError(
        f"{blender_python} has no bpy package: install Blender's Python module beside it (pip install bpy)."
    )


def _run(blender_python: Path, packer: Path, *arguments: str | Path) -> None:
    command = [str(blender_python), str(packer), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise BuildError(f"Blender's packer failed:\n{result.stdout}{result.stderr}")
