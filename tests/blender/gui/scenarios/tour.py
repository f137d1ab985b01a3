# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of docs/addon.md: run it with `--model`, so that the colors are the model's."""

from __future__ import annotations

from typing import Any

import bpy

from benchmarks.blender.stage import extension, shot, strips_of
from tests.blender.gui import areas
from tests.blender.gui.desk import Desk
from tests.blender.gui.steps import Steps, pause, until

_SECONDS = 500


def play(desk: Desk) -> Steps:
    """Color a shot, and color it again with another keyframe; compare the two."""
    scene = shot()
    scene.render.resolution_percentage = 50
    scene.frame_start, scene.frame_end = 1, 24
    yield pause(0.5)
    work = desk.results / "work"
    work.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(work / "crossing.blend"))
    scene = bpy.context.scene
    yield from lay_out()
    scene.frame_set(12)
    yield from desk.press(areas.area_of("VIEW_3D"), "ops.longanimation.add_keyframe")
    yield from _color(desk, 0)
    yield from desk.screenshot("addon_window")
    scene.longanimation.keyframes.clear()
    scene.frame_set(1)
    yield from desk.press(areas.area_of("VIEW_3D"), "ops.longanimation.add_keyframe")
    scene.frame_set(12)
    yield from _color(desk, 1)
    job = _takes()[0].take.job
    yield from desk.press(areas.area_of("SEQUENCE_EDITOR"), f'longanimation.compare_takes(job="{job}"')
    yield from desk.put_mouse_away()
    yield pause(1)
    yield from desk.screenshot("addon_takes")


def lay_out() -> Steps:
    """The shot through its camera above, the Sequencer below, both with the extension's tab."""
    view = areas.area_of("VIEW_3D")
    view.spaces.active.region_3d.view_perspective = "CAMERA"
    sequencer = yield from areas.split(view, "HORIZONTAL", 0.6, "SEQUENCE_EDITOR")
    sequencer.spaces.active.view_type = "SEQUENCER_PREVIEW"
    if hasattr(areas.window().workspace, "sequencer_scene"):
        areas.window().workspace.sequencer_scene = bpy.context.scene
    for area in (areas.area_of("VIEW_3D"), areas.area_of("SEQUENCE_EDITOR")):
        yield from areas.show_tab(area, "LongAnimation")


def _color(desk: Desk, number: int) -> Steps:
    scene = bpy.context.scene
    sequencer = areas.area_of("SEQUENCE_EDITOR")
    yield from desk.press(sequencer, "longanimation.color_shot")
    yield until(lambda: len(_takes()) == number + 1, _SECONDS, "a take")
    yield until(lambda: scene.sequence_editor and len(strips_of(scene)) == number + 1, _SECONDS, "its first frames")
    yield from desk.point_at(sequencer)
    yield from desk.hands.key("Home")
    yield from desk.put_mouse_away()
    yield pause(1)
    if number == 0:
        yield from desk.screenshot("addon_running")
    yield until(lambda: _takes()[number].take.state == "done", _SECONDS, "the take")
    yield pause(2)


def _takes() -> list[Any]:
    return list(extension("take_manager").entries.values())
