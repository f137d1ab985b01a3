# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are saved under other names, copied, and moved with their takes."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import bpy

from benchmarks.blender.stage import (
    begin_export,
    color_of,
    extension,
    finish,
    shot,
    strips_of,
    write_color,
    write_lines,
)


def followed(folder: str) -> dict[str, Any]:
    """Save a file with two takes, one of them not in the Sequencer any more, in every way that there is; tells the
    takes that are listed each time, and where the frames of the one in the Sequencer are found."""
    home = Path(folder) / "project"
    home.mkdir(parents=True)
    scene = shot()
    answer: dict[str, Any] = {}

    def note(what: str) -> None:
        listed = [entry.take.number for entry in extension("take_manager").in_view(bpy.context)]
        (meta,) = strips_of(bpy.context.scene)
        folders = {bpy.path.abspath(strip.directory) for strip in extension("compat").strips_of(meta)}
        answer[what] = [sorted(listed), all(Path(one, "0003.png").is_file() for one in folders)]

    bpy.ops.wm.save_as_mainfile(filepath=str(home / "v1.blend"))
    for number in (1, 2):
        _keep(scene, number)
    strips_of(scene).remove(strips_of(scene)[0])
    bpy.ops.wm.save_mainfile()
    note("saved")
    bpy.ops.wm.save_as_mainfile(filepath=str(home / "copy.blend"), copy=True)
    note("after a copy")
    bpy.ops.wm.save_as_mainfile(filepath=str(home / "v2.blend"))
    note("under another name")
    (home / "shots").mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(home / "shots" / "v3.blend"))
    note("in another folder")
    bpy.ops.wm.save_as_mainfile(filepath=str(home / "v4.blend"))
    bpy.context.scene.name = "Renamed"
    bpy.ops.wm.save_mainfile()
    _open_anew(home / "v4.blend")
    note("with another name of the scene")
    _open_anew(home / "v1.blend")
    note("the first file again")
    _open_anew(home / "v4.blend")
    moved = Path(folder) / "moved"
    home.rename(moved)
    _open_anew(moved / "v4.blend")
    note("moved to another computer")
    shutil.copytree(moved, Path(folder) / "copied")
    _open_anew(Path(folder) / "copied" / "v4.blend")
    note("copied with all takes")
    entries = extension("take_manager").entries.values()
    answer["folder"] = [entry.take.folder.parts[-3] for entry in entries if entry.take.number == 2]
    return answer


def _keep(scene: bpy.types.Scene, number: int) -> None:
    """Place a take whose frames are flat colors, which is in the output folder of the preferences."""
    take = finish(begin_export(scene, extension("preferences").new_take_folder(scene.name), range(3, 5), (3,)))
    write_lines(take, [0, 0, 0])
    for layer in (take.colored, take.fills):
        layer.mkdir()
        for frame in (3, 4):
            write_color(layer / f"{frame:04d}.png", color_of(number))
    placement = extension("takes.take").Placement(extension("blend_file").name(), scene.name, 3, "meta")
    take = take.changed(number=number, state="done", placement=placement, created=time.time())
    take_manager = extension("take_manager")
    take_manager.register(take)
    for _ in take_manager.wait([take.job]):
        pass


def _open_anew(path: Path) -> None:
    """Open a file in a Blender that knows no takes, as on another computer."""
    take_manager = extension("take_manager")
    shutil.rmtree(take_manager.library().home, ignore_errors=True)
    take_manager.entries.clear()
    bpy.ops.wm.open_mainfile(filepath=str(path))
    extension("handlers").restore_takes()
