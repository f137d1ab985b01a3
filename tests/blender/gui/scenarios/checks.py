# SPDX-License-Identifier: GPL-3.0-or-later
"""A shot is checked before it is sent. The findings are listed, shown over the timeline, and fixed."""

from __future__ import annotations

from typing import Any

import bpy

from benchmarks.blender.stage import extension, shot, strips_of
from tests.blender.gui import areas
from tests.blender.gui.desk import Desk
from tests.blender.gui.steps import Steps, pause, until
from tests.blender.scenarios.checks import push
from tests.blender.scenarios.stage import write_keyframe

from .tour import lay_out

_SECONDS = 120
_SUN = 36
"""Points of the sun's outline."""


def play(desk: Desk) -> Steps:
    """Check a shot with an open sun whose keyframe is painted at the wrong place; show that, fit it, check again."""
    scene = shot()
    scene.render.resolution_percentage = 100
    _open_sun(scene)
    scene.frame_start, scene.frame_end = 1, 12
    yield pause(0.5)
    work = desk.results / "work"
    work.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(work / "crossing.blend"))
    scene = bpy.context.scene
    yield from lay_out(0.7)
    scene.frame_set(5)
    keyframe = work / "keyframe_0005.png"
    write_keyframe(scene, 5, keyframe)
    push(keyframe, 24)
    bpy.ops.longanimation.load_keyframes(directory=str(work), files=[{"name": keyframe.name}])
    sequencer = areas.area_of("SEQUENCE_EDITOR")
    yield from desk.open_panel(sequencer, "LONGANIMATION_PT_sequence_checks")
    yield from _check(desk, sequencer)
    desk.watch.phase = "scenario"
    findings = _inspection().findings
    assert [one.frame for one in findings if one.fits] == [5], findings
    assert any("Open outlines" in one.sentence for one in findings), findings
    yield from desk.press(sequencer, "longanimation.show_overlay")
    yield until(lambda: scene.sequence_editor and len(strips_of(scene)), _SECONDS, "the overlay")
    yield from desk.point_at(sequencer)
    yield from desk.hands.key("Home")
    yield from desk.put_mouse_away()
    yield pause(1)
    yield from desk.screenshot("addon_checks")
    yield from _at_default_width(desk, sequencer, "checks")
    windows = bpy.context.window_manager.windows
    yield from desk.press(sequencer, "longanimation.fit_keyframe")
    yield until(lambda: len(windows) == 2, 20, "a window with the keyframe")
    yield from desk.put_mouse_away()
    yield pause(1)
    yield from desk.screenshot("fitted")
    with bpy.context.temp_override(window=windows[-1]):
        bpy.ops.wm.window_close()
    yield until(lambda: len(windows) == 1, 20, "the end of that window")
    yield pause(1)
    yield from _check(desk, sequencer)
    assert len(_takes()) == 1, "the earlier check is still there"
    assert not any(one.fits for one in _inspection().findings), _inspection().findings


def _at_default_width(desk: Desk, sequencer: bpy.types.Area, name: str) -> Steps:
    """The sidebar in English and in French."""
    for language in ("fr_FR", "en_US"):
        yield from desk.speak(language)
        yield from desk.screenshot(f"{name} {language}", areas.region_of(sequencer, "UI"))


def _open_sun(scene: bpy.types.Scene) -> None:
    """Leave the last bit of the sun's outline out: a few pixels."""
    for layer in scene.objects["Background"].data.layers:
        for stroke in layer.frames[0].drawing.strokes:
            if len(stroke.points) == _SUN:
                stroke.cyclic = False


def _check(desk: Desk, sequencer: bpy.types.Area) -> Steps:
    desk.watch.phase = "checking"
    before = [entry.take.job for entry in _takes()]
    yield from desk.press(sequencer, "longanimation.check_shot")
    yield until(lambda: [entry.take.job for entry in _takes()] not in ([], before), _SECONDS, "an exported shot")
    yield until(lambda: not _inspection().is_running, _SECONDS, "the end of the checks")
    yield pause(1)


def _inspection() -> Any:
    return _takes()[-1].inspection


def _takes() -> list[Any]:
    return list(extension("take_manager").entries.values())
