# SPDX-License-Identifier: GPL-3.0-or-later
"""A shot of an edit: one scene is drawn, the Sequencer shows another one in which it is a strip."""

from __future__ import annotations

from typing import Any

import bpy

from benchmarks.blender.stage import extension, shot, strips_of
from tests.blender.gui import areas
from tests.blender.gui.desk import Desk
from tests.blender.gui.steps import Steps, pause, until

from .takes import lay_out

_START = 101
"""The frame of the edit at which the shot begins."""

_FRAMES = 6
_SECONDS = 120


def play(desk: Desk) -> Steps:
    """Color a shot from its strip, while its scene is out of sight; then see its takes from both scenes."""
    drawn = shot()
    drawn.frame_end = _FRAMES
    drawn.frame_set(3)
    bpy.ops.longanimation.add_keyframe()
    edit = bpy.data.scenes.new("Edit")
    edit.sequence_editor_create()
    strips_of(edit).new_scene("shot 10", drawn, 1, _START).select = True
    yield pause(0.5)
    work = desk.results / "work"
    work.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(work / "edit.blend"))
    areas.window().scene = bpy.data.scenes["Edit"]
    yield from lay_out(bpy.data.scenes["Edit"])
    yield from _color(desk)
    if hasattr(areas.window().workspace, "sequencer_scene"):
        yield from _from_both_scenes(desk)


def _color(desk: Desk) -> Steps:
    """The batch's strips, with the edit in sight all the while."""
    sequencer = areas.area_of("SEQUENCE_EDITOR")
    yield from desk.open_panel(sequencer, "LONGANIMATION_PT_sequence_batch")
    yield from desk.press(sequencer, "longanimation.batch_strips")
    yield from desk.press(sequencer, "longanimation.color_batch")
    yield until(lambda: _takes() and _takes()[0].take.state == "done", _SECONDS, "the take")
    yield until(lambda: len(strips_of(bpy.data.scenes["Edit"])) == 2, 10, "its strip")
    assert areas.window().scene.name == "Edit"
    strip = strips_of(bpy.data.scenes["Edit"])[1]
    assert extension("compat").strip_range(strip) == range(_START, _START + _FRAMES)
    yield from desk.point_at(sequencer)
    yield from desk.hands.key("Home")
    bpy.data.scenes["Edit"].frame_set(_START + 2)
    yield from desk.put_mouse_away()
    yield pause(1)
    yield from desk.screenshot("1 edit")


def _from_both_scenes(desk: Desk) -> Steps:
    """Since 5.0 the window shows the drawn scene while the Sequencer shows the edit."""
    job = _takes()[0].take.job
    workspace, sequencer = areas.window().workspace, areas.area_of("SEQUENCE_EDITOR")
    areas.window().scene = bpy.data.scenes["Crossing"]
    yield from desk.press(sequencer, f'longanimation.show_take(job="{job}"')
    # A take of the drawn scene itself lies in that one's own Sequencer.
    yield from desk.press(sequencer, "longanimation.color_shot")
    yield until(lambda: len(_takes()) == 2 and _takes()[1].take.state == "done", _SECONDS, "a take of the scene")
    yield until(lambda: strips_of(bpy.data.scenes["Crossing"]), 10, "its strip")
    assert workspace.sequencer_scene == bpy.data.scenes["Edit"]
    yield from desk.put_mouse_away()
    yield pause(1)
    yield from desk.screenshot("2 takes of both scenes")
    yield from desk.press(sequencer, f'longanimation.show_timeline(job="{_takes()[1].take.job}"')
    yield until(lambda: workspace.sequencer_scene == bpy.data.scenes["Crossing"], 10, "the scene in the Sequencer")
    yield from desk.put_mouse_away()
    yield pause(1)
    yield from desk.screenshot("3 the scene's own Sequencer")


def _takes() -> list[Any]:
    return list(extension("take_manager").entries.values())
