# SPDX-License-Identifier: GPL-3.0-or-later
"""A first-time user's two buttons, and an export that is interrupted."""

from __future__ import annotations

import bpy

from tests.blender.gui import areas
from tests.blender.gui.desk import Desk
from tests.blender.gui.steps import Steps, pause, until
from tests.blender.scenarios.stage import shot, strips_of
from tests.blender.settings import differences, settings_of

_TAB = "LongAnimation"


def play(desk: Desk) -> Steps:
    """Press Use This Frame as Keyframe and Colour Shot, see the strips come; then begin again and press Esc."""
    scene = shot()
    scene.frame_end = 8
    yield pause(0.5)
    work = desk.results / "work"
    work.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(work / "crossing.blend"))
    scene = bpy.context.scene
    yield from _lay_out(desk)
    yield from _color(desk, scene)
    yield from _look_at_strips(desk, scene)
    yield from _interrupt(desk, scene)


def _lay_out(desk: Desk) -> Steps:
    """The shot through its camera above, the Sequencer below, both with the extension's tab."""
    view = areas.area_of("VIEW_3D")
    view.spaces.active.region_3d.view_perspective = "CAMERA"
    sequencer = yield from areas.split(view, "HORIZONTAL", 0.45, "SEQUENCE_EDITOR")
    sequencer.spaces.active.view_type = "SEQUENCER_PREVIEW"
    if hasattr(areas.window().workspace, "sequencer_scene"):
        areas.window().workspace.sequencer_scene = bpy.context.scene
    for area in (areas.area_of("VIEW_3D"), areas.area_of("SEQUENCE_EDITOR")):
        yield from areas.show_tab(area, _TAB)


def _color(desk: Desk, scene: bpy.types.Scene) -> Steps:
    view = areas.area_of("VIEW_3D")
    scene.frame_set(3)
    yield from desk.screenshot("1 before")
    print("view:", *(yield from desk.survey(view)), sep="\n  ")
    yield from desk.press(view, "ops.longanimation.add_keyframe")
    yield until(lambda: len(scene.longanimation.keyframes) == 1, 5, "a keyframe")
    assert scene.longanimation.keyframes[0].frame == 3
    yield from desk.open_panel(view, "LONGANIMATION_PT_view_settings")
    yield from desk.enter(view, "longanimation.prompt", "slow")  # the stand-in worker takes its time
    assert scene.longanimation.prompt == "slow"
    yield from desk.put_mouse_away()
    yield from desk.screenshot("2 panel in the 3D view", areas.region_of(view, "UI"))
    desk.watch.phase = "export"
    yield from desk.press(view, "longanimation.color_shot")
    yield until(areas.modal_operators, 10, "an export that runs")
    yield pause(0.4)
    yield from desk.screenshot("3 export under way")
    yield until(lambda: not areas.modal_operators(), 60, "the end of the export")
    assert desk.watch.ticks("export") > scene.frame_end, "the event loop did not come round at each image"
    desk.watch.phase = "colouring"
    yield pause(2)
    yield from desk.screenshot("4 colouring")
    yield until(lambda: scene.sequence_editor and len(strips_of(scene)) > 0, 120, "strips in the Sequencer")
    yield pause(1)
    desk.watch.phase = "scenario"


def _look_at_strips(desk: Desk, scene: bpy.types.Scene) -> Steps:
    sequencer = areas.area_of("SEQUENCE_EDITOR")
    print("strips:", *((strip.name, strip.channel, strip.frame_final_start) for strip in strips_of(scene)), sep="\n  ")
    yield from desk.point_at(sequencer)
    yield from desk.hands.key("Home")
    yield from desk.put_mouse_away()
    yield pause(1)
    yield from desk.screenshot("5 panel in the Sequencer", areas.region_of(sequencer, "UI"))
    yield from desk.screenshot("6 Sequencer", sequencer)
    yield from desk.screenshot("7 window")


def _interrupt(desk: Desk, scene: bpy.types.Scene) -> Steps:
    """Esc in the middle of an export of 40 frames leaves the scene, and the folder of takes, as they were."""
    scene.frame_end = 40
    view = areas.area_of("VIEW_3D")
    takes = sorted(desk.results.glob("work/longanimation/*/take.json"))
    before = settings_of(scene)
    strips = len(strips_of(scene))
    desk.watch.phase = "interrupted export"
    yield from desk.press(view, "longanimation.color_shot")
    yield until(areas.modal_operators, 10, "an export that runs")
    yield pause(1)
    assert areas.modal_operators(), "the export was over before Esc"
    yield from desk.hands.key("Escape")
    yield until(lambda: not areas.modal_operators(), 10, "the end of the export")
    desk.watch.phase = "scenario"
    yield pause(0.5)
    yield from desk.screenshot("8 after Esc")
    changed = differences(before, settings_of(scene))
    assert changed == [], changed
    assert sorted(desk.results.glob("work/longanimation/*/take.json")) == takes
    assert not list(desk.results.glob("work/longanimation/*/.export-*"))
    assert len(strips_of(scene)) == strips
