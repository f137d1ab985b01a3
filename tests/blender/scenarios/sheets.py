# SPDX-License-Identifier: GPL-3.0-or-later
"""Model sheets in the settings of a shot, in its takes, and in a batch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from benchmarks.blender.stage import extension, finish, finished_take, shot, with_placement, write_color

from .stage import image_pixels


def exported(folder: str) -> dict[str, Any]:
    """Load a sheet, add a frame as another, save and open the file, export the shot, correct the take, and change a
    color of it."""
    home = Path(folder)
    home.mkdir()
    scene = shot()
    _write_sheet(home / "girl.png")
    bpy.ops.longanimation.load_sheets(directory=folder, files=[{"name": "girl.png"}])
    scene.frame_set(2)
    bpy.ops.longanimation.add_sheet()
    bpy.ops.wm.save_as_mainfile(filepath=str(home / "shot.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(home / "shot.blend"))
    scene = bpy.context.scene
    answer: dict[str, Any] = {"names": [sheet.image.name for sheet in scene.longanimation.sheets]}
    take = with_placement(_export(scene, home / "take"), scene, start=1)
    answer["off"] = int(np.abs(image_pixels(take.sheets / "1.png") - image_pixels(home / "girl.png")).max())
    answer["frame"] = int(np.abs(image_pixels(take.sheets / "2.png") - image_pixels(take.keyframes / "0002.png")).max())
    answer["files"] = [take.blobs()[address].name for address in take.manifest.sheets]
    corrected = extension("takes.correction").correct(
        take, 3, take.keyframes / "0002.png", home / "corrected", number=2
    )
    answer["corrected"] = sorted(path.name for path in corrected.sheets.iterdir())
    answer["same"] = corrected.manifest.sheets == take.manifest.sheets
    bpy.ops.longanimation.remove_sheet(index=0)
    bpy.ops.longanimation.remove_sheet(index=0)
    again = _export(scene, home / "take")
    answer["without"] = [again.sheets.exists(), list(again.manifest.sheets)]
    return answer


def recolored(folder: str) -> dict[str, Any]:
    """Change a color of a take with a sheet, whose colors are the take's."""
    home = Path(folder)
    scene = shot()
    take = with_placement(finished_take(scene, home / "take"), scene, start=3)
    color = next(iter(extension("takes.recolor").palette_of(take)))
    take.sheets.mkdir()
    write_color(take.sheets / "1.png", list(color))
    address = extension("takes.take").address_of_file(take.sheets / "1.png")
    take = take.changed(manifest=replace(take.manifest, sheets=(address,)))
    made = extension("takes.recolor").recolor(take, {color: (255, 0, 0)}, home / "recolored", number=2)
    return {
        "sheet": image_pixels(made.sheets / "1.png")[0, 0].tolist(),
        "file": made.blobs()[made.manifest.sheets[0]].name,
        "others": sorted(path.name for path in take.sheets.iterdir()),
    }


def shared(folder: str) -> dict[str, Any]:
    """Give the sheets of one scene to the other scenes of a batch."""
    home = Path(folder)
    home.mkdir()
    scene = shot()
    _write_sheet(home / "girl.png")
    bpy.ops.longanimation.load_sheets(directory=folder, files=[{"name": "girl.png"}])
    answer: dict[str, Any] = {"alone": bpy.ops.longanimation.share_sheets.poll()}
    other = scene.copy()
    other.name = "Other"
    other.longanimation.sheets.clear()
    for one in (scene, other):
        row = scene.longanimation_batch.shots.add()
        row.name, row.scene, row.timeline = one.name, one, scene
    bpy.ops.longanimation.share_sheets()
    answer["other"] = [sheet.image.name for sheet in other.longanimation.sheets]
    return answer


def refused(folder: str) -> dict[str, Any]:
    """Sheets that are none, too many, or empty; and what the shot has after each."""
    home = Path(folder)
    home.mkdir()
    scene = shot()
    sheets = scene.longanimation.sheets
    _write_sheet(home / "girl.png")
    (home / "notes.png").write_text("no image", encoding="utf-8")
    write_color(home / "empty.png", [200, 20, 20])
    answer: dict[str, Any] = {}
    for name, names in (("no image", ["notes.png"]), ("too many", ["girl.png"] * 5)):
        try:
            bpy.ops.longanimation.load_sheets(directory=folder, files=[{"name": file} for file in names])
        except RuntimeError as error:
            answer[name] = [str(error), len(sheets)]
    bpy.ops.longanimation.load_sheets(directory=folder, files=[{"name": "empty.png"}])
    sheets.add()  # without an image it does not count
    try:
        _export(scene, home / "take")
    except extension("shared.errors").ShotError as error:
        answer["empty"] = [str(error), sorted(path.name for path in (home / "take").iterdir())]
    return answer


def _export(scene: bpy.types.Scene, folder: Path) -> Any:
    """Export four frames of the scene as it is set up, with frame 2 as its keyframe; returns the take."""
    scene.longanimation.put_keyframe(2, None)
    return finish(extension("shot.export").export_steps(scene, scene.longanimation.options(range(1, 5)), folder))


def _write_sheet(path: Path) -> None:
    """Write a red square with a black edge on transparent ground."""
    pixels = np.zeros((60, 80, 4), np.uint8)
    pixels[10:50, 20:60] = 0, 0, 0, 255
    pixels[12:48, 22:58] = 200, 30, 30, 255
    extension("png_pixels").write_png(path, pixels)
