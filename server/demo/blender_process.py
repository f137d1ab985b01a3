# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs code of this repository inside Blender, either the application or its Python module."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_PROGRAM = """
import os, sys, traceback
sys.path.insert(0, {root!r})
status = 1
try:
    from {module} import {function}
    {function}(*{arguments!r})
    status = 0
except BaseException:
    traceback.print_exc()
sys.stdout.flush()
sys.stderr.flush()
os._exit(status)  # Blender's module sometimes hangs at its own exit
"""


def chosen_blenders() -> list[Path]:
    """Return the Blenders to use: those listed in LONGANIMATION_BLENDER, or those installed in .blender."""
    chosen = os.environ.get("LONGANIMATION_BLENDER", "")
    if chosen:
        return [Path(name).absolute() for name in chosen.split(os.pathsep)]
    return sorted((*ROOT.glob(".blender/*/bin/python"), *ROOT.glob(".blender/*/Scripts/python.exe")))


def command(blender: Path, module: str, function: str, *arguments: object) -> list[str]:
    """Return the command line that calls `module.function(*arguments)` in Blender; arguments must have a literal repr.

    blender: a Blender executable, or the Python of an environment with the `bpy` package.
    """
    program = _PROGRAM.format(root=str(ROOT), module=module, function=function, arguments=arguments)
    if blender.name.lower().startswith("python"):
        return [str(blender), "-c", "import bpy\n" + program]
    return [str(blender), "--background", "--factory-startup", "--python-exit-code", "1", "--python-expr", program]


def environment(user_resources: Path) -> dict[str, str]:
    """Return this process's environment with a separate Blender user folder, without a server token, and with crash
    tracebacks enabled."""
    kept = {name: value for name, value in os.environ.items() if name != "LONGANIMATION_TOKEN"}
    return kept | {"BLENDER_USER_RESOURCES": str(user_resources), "PYTHONFAULTHANDLER": "1", "PYTHONUNBUFFERED": "1"}
