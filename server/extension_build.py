# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the Blender extension as a zip with Blender's own packer. Uses only the standard library."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from server.files import write_file

_ROOT = Path(__file__).resolve().parent.parent
_UNWANTED = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
_PACKER = "*/scripts/addons_core/bl_pkg/cli/blender_ext.py"


class BuildError(RuntimeError):
    """The extension could not be built; the message says why."""


def build_extension(output_dir: Path, blender: Path) -> Path:
    """Write the extension's zip into `output_dir` and return its path.

    blender: Blender itself, or the Python of an environment with the `bpy` package; its packer builds and validates.
    The zip contains the modules of `shared` as its subpackage of that name. Raises BuildError with the packer's output.
    """
    packer = _find_packer(blender)
    output_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        source, built = Path(temporary, "source"), Path(temporary, "built")
        stage_extension(source)
        built.mkdir()
        _run(*packer, "build", "--source-dir", source, "--output-dir", built)
        (package,) = built.glob("*.zip")
        _run(*packer, "validate", package)
        target = output_dir / package.name
        write_file(target, package.read_bytes())  # atomically: a server may be offering the old file
        return target


def stage_extension(target: Path) -> None:
    """Copy the extension to the new folder `target`, laid out as in the zip."""
    shutil.copytree(_ROOT / "blender_addon", target, ignore=_UNWANTED)
    shutil.copytree(_ROOT / "shared", target / "shared", ignore=_UNWANTED)


def _find_packer(blender: Path) -> tuple[str | Path, ...]:
    """Return the command that runs Blender's packer."""
    if not blender.name.lower().startswith("python"):
        return (blender, "--factory-startup", "--command", "extension")
    home = blender.absolute().parent.parent
    for packages in (home / "Lib" / "site-packages", *sorted(home.glob("lib/python3*/site-packages"))):
        for script in sorted((packages / "bpy").glob(_PACKER)):
            return (blender, script)
    raise BuildError(f"{blender} has no bpy package: install Blender's Python module beside it (pip install bpy).")


def _run(*command: str | Path) -> None:
    try:
        result = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    except OSError as error:
        raise BuildError(f"{command[0]} cannot be run ({error.strerror}): give the path of a Blender.") from error
    if result.returncode != 0:
        raise BuildError(f"Blender's packer failed:\n{result.stdout}{result.stderr}")
