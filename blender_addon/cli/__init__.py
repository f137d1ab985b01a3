# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line, `blender FILE --command longanimation colorize …`, for scripts and for farms."""

from __future__ import annotations

import logging
import signal
import sys
from typing import NoReturn

import bpy

from ..shared.errors import ColorError, ShotError
from . import verbs
from .arguments import parse
from .report import Report

_FAILED, _INTERRUPTED = 1, 130

_command: object = None


def _run(words: list[str]) -> int:
    """Run the command; returns the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        options = parse(words)
    except SystemExit as end:  # help was requested (0), or the arguments are invalid (2)
        return int(end.code or 0)
    # In the background, Blender itself reacts to Ctrl-C by stopping the render and continuing.
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _interrupt)
    report = Report(options.json, options.openjd)
    actions = {
        "colorize": verbs.colorize,
        "fetch": verbs.fetch,
        "recolor": verbs.recolor,
        "shots": verbs.list_shots,
    }
    try:
        if not bpy.data.filepath:  # Blender continues with another file if it cannot read the named one
            raise ShotError("No .blend file is open: name one before --command, and see above whether it can be read.")
        return 0 if actions[options.verb](options, report) else _FAILED
    except ColorError as error:
        report.failure(str(error))
        return _FAILED
    except KeyboardInterrupt:
        report.failure("Interrupted")
        return _INTERRUPTED


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def register() -> None:
    """Register the command with Blender."""
    global _command
    _command = bpy.utils.register_cli_command("longanimation", _run)


def unregister() -> None:
    """Unregister the command."""
    bpy.utils.unregister_cli_command(_command)
