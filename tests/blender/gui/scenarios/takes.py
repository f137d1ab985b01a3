# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes: one cancelled and tried again, two compared, one hidden; the file opened again while one is under way."""

from __future__ import annotations

from typing import Any

import bpy

from benchmarks.blender.stage import extension, shot, strips_of
from tests.blender.gui import areas
from tests.blender.gui.desk import Desk
from tests.blender.gui.steps import Steps, pause, until

_FRAMES = 16
_SECONDS = 120
_MENU = 52
"""Pixels from the right edge of a sidebar to the middle of the last button of a row in a box."""


def play(desk: Desk) -> Steps:
    """Go through the life of takes with the buttons of the panels."""
    scene = shot()
    scene.frame_end = _FRAMES
    yield pause(0.5)
    work = desk.results / "work"
    work.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(work / "crossing.blend"))
    yield from lay_out(bpy.context.scene)
    yield from _cancel_and_retry(desk)
    yield from _compare(desk)
    yield from _reopen(desk)


def lay_out(scene: bpy.types.Scene) -> Steps:
    """A scene's Sequencer with its preview above, and a sidebar that has the height of the window beside it."""
    view = areas.area_of("VIEW_3D")
    yield from areas.change(view, "SEQUENCE_EDITOR")
    sequencer = areas.area_of("SEQUENCE_EDITOR")
    sequencer.spaces.active.view_type = "SEQUENCER_PREVIEW"
    if hasattr(areas.window().workspace, "sequencer_scene"):
        areas.window().workspace.sequencer_scene = scene
    yield from areas.show_tab(sequencer, "LongAnimation")


def _cancel_and_retry(desk: Desk) -> Steps:
    scene = bpy.context.scene
    scene.frame_set(3)
    sequencer = areas.area_of("SEQUENCE_EDITOR")
    yield from desk.press(sequencer, "ops.longanimation.add_keyframe")
    scene.longanimation.prompt = "slow"
    yield from desk.press(sequencer, "longanimation.color_shot")
    yield until(lambda: _takes(), 60, "a take")
    yield until(lambda: strips_of(scene) if scene.sequence_editor else (), _SECONDS, "the first segment in the strip")
    desk.watch.phase = "coloring"
    # Looking for its button, or a picture first, may take longer than coloring.
    bpy.ops.longanimation.cancel(job=_takes()[0].take.job)
    yield from desk.screenshot("1 the first segment is here")
    yield until(lambda: _state(0) == "cancelled", 60, "the end of the take")
    yield until(lambda: not strips_of(scene), 10, "no half strip")
    yield from desk.put_mouse_away()
    yield from desk.screenshot("2 cancelled", areas.region_of(sequencer, "UI"))
    yield from desk.point_at(sequencer)
    for key in ("ctrl+z", "ctrl+shift+z"):  # to before the strip came, and to when it had come
        yield from desk.hands.key(key)
        yield pause(1)
    scene = bpy.context.scene
    assert not scene.sequence_editor or not strips_of(scene), "a step of undo brought a half strip back"
    yield from desk.press(sequencer, "longanimation.retry")
    yield until(lambda: _state(0) == "done", _SECONDS, "the take")
    yield until(lambda: scene.sequence_editor and len(strips_of(scene)) == 1, 10, "its strip")
    desk.watch.phase = "scenario"


def _compare(desk: Desk) -> Steps:
    scene = bpy.context.scene
    sequencer = areas.area_of("SEQUENCE_EDITOR")
    scene.longanimation.seed = 3
    scene.longanimation.prompt = ""
    yield from desk.press(sequencer, "longanimation.color_shot")
    yield until(lambda: len(_takes()) == 2 and _state(1) == "done", _SECONDS, "another take")
    yield until(lambda: len(strips_of(scene)) == 2, 10, "its strip")
    assert [strip.mute for strip in strips_of(scene)] == [True, False]
    yield from desk.put_mouse_away()
    yield pause(1)
    yield from desk.screenshot("3 two takes")
    first = _takes()[0].take.job
    yield from desk.press(sequencer, f'longanimation.compare_takes(job="{first}"')
    yield until(lambda: [strip.mute for strip in strips_of(scene)] == [False, False], 10, "both takes")
    yield from desk.put_mouse_away()
    yield pause(1)
    yield from desk.screenshot("4 compared")
    yield from desk.screenshot("4 compared, panels", areas.region_of(sequencer, "UI"))
    yield from desk.hover(sequencer, f'longanimation.compare_takes(job="{first}"')
    yield from _open_menu_beside(desk)
    yield from desk.screenshot("4 menu of a take")
    yield from desk.hands.key("Escape")
    yield from desk.speak("fr_FR")
    yield from desk.put_mouse_away()
    yield from desk.screenshot("4 compared, in French", areas.region_of(sequencer, "UI"))
    yield from desk.speak("en_US")
    yield from desk.press(sequencer, f'longanimation.show_take(job="{first}"')
    yield until(lambda: [strip.mute for strip in strips_of(scene)] == [False, True], 10, "the first take alone")
    yield from desk.point_at(sequencer)
    yield from desk.hands.key("ctrl+z")
    yield until(lambda: [strip.mute for strip in strips_of(bpy.context.scene)] == [False, False], 10, "an undo")


def _open_menu_beside(desk: Desk) -> Steps:
    """Click the button to the right of the mouse: Blender does not tell which one a menu's is."""
    region = areas.region_of(areas.area_of("SEQUENCE_EDITOR"), "UI")
    yield from desk.hands.move(region.x + region.width - _MENU, desk.hands.at[1])
    yield from desk.hands.click()
    yield pause(0.5)


def _reopen(desk: Desk) -> Steps:
    """Open the file again while a take is under way: its strip is completed all the same."""
    sequencer = areas.area_of("SEQUENCE_EDITOR")
    bpy.context.scene.longanimation.prompt = "slow"
    bpy.context.scene.longanimation.seed = 4
    yield from desk.press(sequencer, "longanimation.color_shot")
    yield until(lambda: len(_takes()) == 3, 60, "a third take")
    bpy.ops.wm.save_mainfile()
    yield pause(0.2)
    bpy.ops.wm.open_mainfile(filepath=bpy.data.filepath)
    yield until(lambda: len(_takes()) == 3 and _state(2) == "done", _SECONDS, "the third take")
    yield until(lambda: len(strips_of(bpy.context.scene)) == 3, 10, "its strip")
    yield until(lambda: not any(entry.needs_strips for entry in _takes()), 10, "all its frames")
    yield pause(1)
    yield from desk.screenshot("5 after opening the file again")
    (last,) = [strip for strip in strips_of(bpy.context.scene) if not strip.mute]
    inner = last.strips if hasattr(last, "strips") else last.sequences
    files = [element.filename for strip in inner for element in strip.elements]
    assert "pending.png" not in files, files


def _takes() -> list[Any]:
    return list(extension("take_manager").entries.values())


def _state(index: int) -> str:
    return _takes()[index].take.state
