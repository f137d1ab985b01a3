# SPDX-License-Identifier: GPL-3.0-or-later
"""A first-time user's two buttons, and an export that is interrupted."""

from __future__ import annotations

import bpy

from benchmarks.blender.stage import extension, shot, strips_of
from tests.blender.gui import areas
from tests.blender.gui.desk import Desk
from tests.blender.gui.steps import Steps, pause, until
from tests.blender.settings import differences, settings_of

_TAB = "LongAnimation"


def play(desk: Desk) -> Steps:
    """Press Use This Frame as Keyframe and Color Shot, see the strips come; begin again and press Esc."""
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
    yield from _undo_and_redo(desk)
    yield from _show_regions(desk, bpy.context.scene)
    yield from _interrupt(desk, bpy.context.scene)


def _lay_out(desk: Desk) -> Steps:
    """The shot through its camera above, with the extension's tab, the Sequencer below as it comes: since 5.0 empty."""
    view = areas.area_of("VIEW_3D")
    view.spaces.active.region_3d.view_perspective = "CAMERA"
    sequencer = yield from areas.split(view, "HORIZONTAL", 0.45, "SEQUENCE_EDITOR")
    sequencer.spaces.active.view_type = "SEQUENCER_PREVIEW"
    yield from areas.show_tab(areas.area_of("VIEW_3D"), _TAB)


def _color(desk: Desk, scene: bpy.types.Scene) -> Steps:
    view = areas.area_of("VIEW_3D")
    scene.frame_set(3)
    yield from desk.screenshot("1 before")
    print("view:", *(yield from desk.survey(view)), sep="\n  ")
    yield from desk.press(view, "ops.longanimation.add_keyframe")
    yield until(lambda: len(scene.longanimation.keyframes) == 1, 5, "a keyframe")
    assert scene.longanimation.keyframes[0].frame == 3
    scene.longanimation.prompt = "slow"  # the stand-in worker takes its time
    yield from desk.put_mouse_away()
    yield from desk.screenshot("2 panel in the 3D view", areas.region_of(view, "UI"))
    desk.watch.phase = "export"
    yield from desk.press(view, "longanimation.color_shot")
    yield until(lambda: extension("take_manager").entries, 60, "the end of the export")
    desk.watch.phase = "coloring"
    yield pause(2)
    yield from desk.screenshot("4 coloring")
    yield until(lambda: scene.sequence_editor and len(strips_of(scene)) > 0, 120, "strips in the Sequencer")
    yield pause(1)
    desk.watch.phase = "scenario"


def _look_at_strips(desk: Desk, scene: bpy.types.Scene) -> Steps:
    sequencer = areas.area_of("SEQUENCE_EDITOR")
    assert getattr(areas.window().workspace, "sequencer_scene", scene) == scene, "the strips came out of sight"
    yield from areas.show_tab(sequencer, _TAB)
    print("strips:", *((strip.name, strip.channel, strip.frame_final_start) for strip in strips_of(scene)), sep="\n  ")
    yield from desk.point_at(sequencer)
    yield from desk.hands.key("Home")
    yield from desk.put_mouse_away()
    yield pause(1)
    yield from desk.screenshot("5 panel in the Sequencer", areas.region_of(sequencer, "UI"))
    yield from desk.screenshot("6 Sequencer", sequencer)
    yield from desk.screenshot("7 window")


def _undo_and_redo(desk: Desk) -> Steps:
    """The strips came by themselves, as a step of its own that can be undone and redone; nothing else changes."""
    before, strips = settings_of(bpy.context.scene), _strip_names()
    yield until(lambda: next(iter(extension("take_manager").entries.values())).take.state == "done", 60, "all frames")
    yield pause(0.5)
    yield from desk.point_at(areas.area_of("SEQUENCE_EDITOR"))
    yield from desk.hands.key("ctrl+z")
    yield until(lambda: not _strip_names(), 10, "an undo")
    yield from desk.hands.key("ctrl+shift+z")
    yield until(lambda: _strip_names() == strips, 10, "a redo")
    # The step has the strips as they came, with the first frames alone.
    yield until(lambda: not _awaited(), 5, "the frames that came after the strips")
    changed = differences(before, settings_of(bpy.context.scene))
    # Since 5.0 Blender's undo counts no users of materials' node trees.
    assert [one for one in changed if "node_tree.users" not in one] == [], changed


def _show_regions(desk: Desk, scene: bpy.types.Scene) -> Steps:
    """The regions of the drawing at the playhead, by another gap size than it was colored with."""
    scene.frame_set(5)
    scene.longanimation.lineart.gap = 3
    editor = areas.area_of("SEQUENCE_EDITOR")
    yield from areas.change(editor, "IMAGE_EDITOR")
    yield from desk.press(areas.area_of("VIEW_3D"), "longanimation.show_regions")
    yield until(lambda: editor.spaces.active.image, 30, "the picture of the regions")
    yield pause(1)
    yield from desk.put_mouse_away()
    yield from desk.screenshot("8 regions")
    scene.longanimation.lineart.gap = 0
    yield from areas.change(editor, "SEQUENCE_EDITOR")


def _awaited() -> list[str]:
    """Names of the images that stand for frames to come."""
    strips = extension("compat").all_strips_of(bpy.context.scene.sequence_editor)
    names = [one.filename for strip in strips if strip.type == "IMAGE" for one in strip.elements]
    return [name for name in names if "pending" in name]


def _strip_names() -> list[str]:
    scene = bpy.context.scene
    return [strip.name for strip in strips_of(scene)] if scene.sequence_editor else []


def _interrupt(desk: Desk, scene: bpy.types.Scene) -> Steps:
    """Esc in the middle of an export of 40 frames leaves the scene, and the folder of takes, as they were."""
    scene.frame_end = 40
    scene.render.resolution_percentage = 400  # so that it takes some seconds
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
    yield from desk.screenshot("9 after Esc")
    changed = differences(before, settings_of(scene))
    assert changed == [], changed
    assert sorted(desk.results.glob("work/longanimation/*/take.json")) == takes
    assert not list(desk.results.glob("work/longanimation/*/.export-*"))
    assert len(strips_of(scene)) == strips
