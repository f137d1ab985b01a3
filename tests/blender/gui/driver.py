# SPDX-License-Identifier: GPL-3.0-or-later
"""Begins in Blender's window: `blender --python driver.py -- SCENARIO ARCHIVE SERVER RESULTS`."""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from server.demo.in_blender.extension import EXTENSION, install_extension
from tests.blender.gui.desk import Desk
from tests.blender.gui.steps import Steps, pause, play, turns


def main() -> None:
    """Play the scenario from a timer; Blender is ended when it has ended."""
    scenario, archive, server, results = sys.argv[sys.argv.index("--") + 1 :]
    view = bpy.context.preferences.view
    view.show_splash = False
    view.show_statusbar_version = True
    desk = Desk(Path(results), server)

    def prepared() -> Steps:
        yield from turns(30)
        install_extension(archive)
        desk.watch.wrap_classes()
        bpy.context.preferences.addons[EXTENSION].preferences.server = server
        desk.watch.phase = "idle"
        yield pause(2)
        desk.watch.phase = "scenario"
        module = importlib.import_module(f"tests.blender.gui.scenarios.{scenario}")
        yield from module.play(desk)

    def pictured(error: BaseException) -> Steps:
        yield from desk.screenshot("failure")

    def ended(error: BaseException | None) -> None:
        (desk.results / "main_thread.json").write_text(json.dumps(desk.watch.report(), indent=1), encoding="utf-8")
        if error is not None:
            traceback.print_exception(error)
            play(pictured(error), lambda _: _end(1))
        else:
            _end(0)

    play(prepared(), ended)


def _end(status: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


main()
