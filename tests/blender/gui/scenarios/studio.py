# SPDX-License-Identifier: GPL-3.0-or-later
"""An animator's own file: scenery of meshes, a moving camera, AgX. A keyframe, a take beside a viewport, and a fix."""

from __future__ import annotations

from pathlib import Path

import bpy

from benchmarks.blender.stage import extension, strips_of
from tests.blender.gui import areas
from tests.blender.gui.desk import Desk
from tests.blender.gui.steps import Steps, pause, until
from tests.blender.scenarios.studio_scene import FIRST, studio_shot

_SECONDS = 120
_MOST_DRAWS = 12
"""The most draws of the viewport while a take is colored: Blender draws eight times after a change, to smooth edges."""


def play(desk: Desk) -> Steps:
    """Press Use This Frame as Keyframe and Color Shot, count the viewport's draws, and open a frame to fix."""
    scene = studio_shot()
    scene.frame_end = FIRST + 7
    scene.frame_set(FIRST + 2)
    yield pause(0.5)
    work = desk.results / "work"
    work.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(work / "sc030.blend"))
    draws = []
    bpy.types.SpaceView3D.draw_handler_add(lambda: draws.append(1), (), "WINDOW", "POST_PIXEL")
    view = areas.area_of("VIEW_3D")
    view.spaces.active.region_3d.view_perspective = "CAMERA"
    sequencer = yield from areas.split(view, "HORIZONTAL", 0.3, "SEQUENCE_EDITOR")
    sequencer.spaces.active.view_type = "SEQUENCER_PREVIEW"
    yield from areas.show_tab(areas.area_of("VIEW_3D"), "LongAnimation")
    yield from _color(desk, draws)
    yield from _fix(desk)


def _color(desk: Desk, draws: list[int]) -> Steps:
    scene = bpy.context.scene
    view = areas.area_of("VIEW_3D")
    yield from desk.press(view, "ops.longanimation.add_keyframe")
    yield until(lambda: len(scene.longanimation.keyframes) == 1, 20, "a keyframe")
    assert scene.longanimation.keyframes[0].thumbnail is not None
    yield from desk.put_mouse_away()
    yield pause(2)
    yield from desk.screenshot("1 keyframe", areas.region_of(view, "UI"))
    scene.longanimation.prompt = "slow"
    yield from desk.press(view, "longanimation.color_shot")
    yield until(lambda: extension("take_manager").entries, 60, "the end of the export")
    yield from desk.put_mouse_away()
    yield pause(4)
    desk.watch.phase, before = "coloring", len(draws)
    yield until(lambda: scene.sequence_editor and len(strips_of(scene)) > 0, _SECONDS, "strips in the Sequencer")
    print("draws of the viewport while the take was colored:", len(draws) - before)
    assert len(draws) - before <= _MOST_DRAWS
    yield until(lambda: next(iter(extension("take_manager").entries.values())).take.state == "done", 60, "all frames")
    yield pause(2)
    yield from desk.screenshot("2 colored")


def _fix(desk: Desk) -> Steps:
    """A frame opens with our tab, the fill brush, the take's palette, and the button in the header."""
    scene = bpy.context.scene
    windows = bpy.context.window_manager.windows
    bpy.ops.longanimation.fix_frame()
    yield until(lambda: len(windows) == 2, 10, "a window")
    area = windows[1].screen.areas[0]
    sidebar = areas.region_of(area, "UI")
    paint = scene.tool_settings.image_paint
    yield until(lambda: sidebar.active_panel_category == "LongAnimation", 10, "our tab")
    if (Path(bpy.utils.system_resource("DATAFILES")) / "assets" / "brushes").is_dir():  # Debian's 4.3 has no brushes
        yield until(lambda: paint.brush is not None and paint.brush.name == "Fill", 10, "the brush that fills")
    assert area.spaces.active.ui_mode == "PAINT"
    assert len(paint.palette.colors) > 0
    yield pause(3)
    yield from desk.screenshot("3 fix")
