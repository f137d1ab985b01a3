# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's program, or its replacement if there is only its module:
`python tests/blender/program.py --online-mode FILE --command longanimation …`.

The module reads no preferences, so the extension, which is installed in BLENDER_USER_RESOURCES, is enabled here.
"""

import contextlib
import importlib
import os
import sys
from pathlib import Path

EXTENSION = "bl_ext.user_default.longanimation_color"


def program(blender: Path) -> list[str]:
    """The words that start Blender. blender: its program, or the Python of an environment with the `bpy` package."""
    return [str(blender), __file__] if blender.name.lower().startswith("python") else [str(blender)]


def main(online: str, file: str, flag: str, name: str, *words: str) -> int:
    """What Blender does with `--online-mode FILE --command longanimation WORDS…`; returns the exit status."""
    import bpy

    if (online, flag, name) != ("--online-mode", "--command", "longanimation"):
        sys.exit(f"only --online-mode FILE --command longanimation is known here, not {online} {file} {flag} {name}")
    bpy.context.preferences.system.use_online_access = True
    bpy.ops.preferences.addon_enable(module=EXTENSION)
    with contextlib.suppress(RuntimeError):  # Blender reports that it cannot read the file, and continues without it
        bpy.ops.wm.open_mainfile(filepath=file)
    return importlib.import_module(f"{EXTENSION}.cli")._run(words)


if __name__ == "__main__":
    status = main(*sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # the module was seen to hang at its own exit
