# SPDX-License-Identifier: GPL-3.0-or-later
"""The terminal's way in: `blender FILE --command longanimation colorize …`, for scripts and for farms."""

from __future__ import annotations

import logging
import signal
import sys
from typing import NoReturn

import bpy

from ..errors import ColorError, ShotError
from . import verbs
from .arguments import parse
from .report import Report

_FAILED, _INTERRUPTED = 1, 130

_command: object = None


def _run(words: list[str]) -> int:
    """Do what the command line says; returns the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        options = parse(words)
    except SystemExit as end:  # help was asked for (0), or the words make no sense (2)
        return int(end.code or 0)
    # Blender's own answer to Ctrl-C in the background is to break off a render and go on.
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _interrupt)
    report = Report(options.json, options.openjd)
    actions = {"colorize": verbs.colorize, "fetch": verbs.fetch, "shots": verbs.list_shots}
    try:
        if not bpy.data.filepath:  # Blender goes on with another file where it cannot read the one that is named
            raise ShotError("No .blend file is open: name one before --command, and look above whether it can be read.")
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
    """Add the command to Blender's."""
    global _command
    _command = bpy.utils.register_cli_command("longanimation", _run)


def unregister() -> None:
    """Take the command back."""
    bpy.utils.unregister_cli_command(_command)
