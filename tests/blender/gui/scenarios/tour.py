# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of docs/addon.md and docs/tasks.md: run it with `--model`, so that the colors are the model's."""

from __future__ import annotations

from typing import Any

import bpy

from benchmarks.blender.stage import extension, shot, strips_of
from tests.blender.gui import areas
from tests.blender.gui.desk import Desk
from tests.blender.gui.steps import Steps, pause, until

from .panels import show_preferences

_SECONDS = 500


def play(desk: Desk) -> Steps:
    """Color a shot, and color it again with another keyframe; compare the two, fix a frame and change a color."""
    scene = shot()
    scene.render.resolution_percentage = 50
    scene.frame_start, scene.frame_end = 1, 24
    yield pause(0.5)
    work = desk.results / "work"
    work.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(work / "crossing.blend"))
    scene = bpy.context.scene
    scene.frame_set(12)
    yield from _first_steps(desk)
    yield from lay_out()
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
    bpy.ops.longanimation.fix_frame()
    yield from _paint(desk, "task_fix")
    yield from _change_a_color(desk, job)
    yield from show_preferences(desk, areas.area_of("VIEW_3D"), "addon_preferences")


def _first_steps(desk: Desk) -> Steps:
    """The whole sidebar with a keyframe, and a frame that is opened to paint it."""
    view = areas.area_of("VIEW_3D")
    view.spaces.active.region_3d.view_perspective = "CAMERA"
    yield from areas.show_tab(view, "LongAnimation")
    yield from desk.press(view, "ops.longanimation.add_keyframe")
    yield from desk.put_mouse_away()
    yield pause(1)
    yield from desk.screenshot("task_color", areas.region_of(view, "UI"))
    scene = bpy.context.scene
    scene.frame_set(1)
    bpy.ops.longanimation.paint_keyframe()
    yield from _paint(desk, "task_paint")
    bpy.ops.longanimation.remove_keyframe(index=0)
    scene.frame_set(12)


def _paint(desk: Desk, name: str) -> Steps:
    """The window in which a frame is painted. It is closed afterward."""
    windows = bpy.context.window_manager.windows
    yield until(lambda: len(windows) == 2, 20, "a window")
    yield pause(3)
    yield from desk.screenshot(name)
    with bpy.context.temp_override(window=windows[1]):
        bpy.ops.wm.window_close()
    yield until(lambda: len(windows) == 1, 20, "the end of that window")
    yield pause(1)


def _change_a_color(desk: Desk, job: str) -> Steps:
    """The palette of a take, with another color beside the first one."""
    scene = bpy.context.scene
    bpy.ops.longanimation.read_palette(job=job)
    yield until(lambda: scene.longanimation.palette, 20, "the palette")
    editor = areas.area_of("PROPERTIES")
    yield from areas.change(editor, "IMAGE_EDITOR")
    yield from areas.show_tab(editor, "LongAnimation")
    yield pause(1)
    bpy.context.scene.longanimation.palette[0].changed = (0.95, 0.7, 0.5)
    yield from desk.put_mouse_away()
    yield pause(1)
    yield from desk.screenshot("task_recolor", areas.region_of(editor, "UI"))


def lay_out(share: float = 0.6) -> Steps:
    """The shot through its camera above, and below, in `share` of the height, the Sequencer. Both show our tab."""
    view = areas.area_of("VIEW_3D")
    view.spaces.active.region_3d.view_perspective = "CAMERA"
    sequencer = yield from areas.split(view, "HORIZONTAL", share, "SEQUENCE_EDITOR")
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
