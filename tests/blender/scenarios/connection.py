# SPDX-License-Identifier: GPL-3.0-or-later
"""What the animator reads and can press when a server cannot be used."""

from __future__ import annotations

import os
import time
from typing import Any

import bpy

from benchmarks.blender.stage import extension, shot
from server.demo.in_blender.extension import EXTENSION


def troubles(folder: str, server: str, free_port: int) -> dict[str, Any]:
    """Run into each trouble; tells what is reported, which notices stay, and what their remedies are."""
    scene = shot()
    preferences = bpy.context.preferences.addons[EXTENSION].preferences
    notices, take_manager = extension("notices"), extension("take_manager")
    answer: dict[str, Any] = {}

    def refused(operator: Any, **arguments: Any) -> str:
        try:
            operator(**arguments)
        except RuntimeError as error:
            return str(error)
        return ""

    def shown() -> list[list[Any]]:
        return [[one.sentence, one.remedy, one.good] for one in notices.notices]

    operators = bpy.ops.longanimation
    answer["open take"] = refused(operators.open_take, directory=folder)
    os.chdir(folder)
    answer["open a relative folder"] = refused(operators.open_take, directory="")
    assert refused(operators.start_server)
    answer["no folder"] = shown()
    preferences.home = folder
    answer["start from another folder"] = refused(operators.start_server)
    preferences.server = f"http://127.0.0.1:{free_port}"
    for _ in range(2):
        assert refused(operators.test_connection)
    answer["wrong port"] = shown()
    preferences.server = server
    deadline = time.monotonic() + 60
    while refused(operators.test_connection) and time.monotonic() < deadline:
        time.sleep(0.5)  # its worker is starting
    answer["right port"] = shown()
    answer["presets"] = take_manager.presets

    notices.notices.clear()
    progress = extension("remote.messages").Progress
    for entry in (take_manager.Entry(None), take_manager.Entry(None)):
        for seconds in (1, 2):
            waits = progress(0.0, f"No answer for {seconds} s", None, "Nothing listens.", remedy="start_server")
            take_manager._apply(entry, waits)
    answer["two takes without a server"] = shown()
    take_manager._apply(entry, progress(0.5, "Coloring"))
    answer["the server is back"] = shown()

    other = preferences.servers.add()
    other.name, other.address = "Nine", "http://127.0.0.1:9"
    scene.longanimation.server = "Nine"
    answer["another server of the shot"] = extension("preferences").server_in(bpy.context).address

    remedies = {name: [one for one, _ in buttons] for name, buttons in extension("widgets").REMEDIES.items()}
    known = {f"longanimation.{name}" for name in dir(bpy.ops.longanimation)}
    answer["remedies without an operator"] = [name for name, ones in remedies.items() if not ones or set(ones) - known]
    answer["can be set and tested"] = [name for name, ones in remedies.items() if "longanimation.edit_server" in ones]
    return answer
