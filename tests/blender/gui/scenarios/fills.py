# SPDX-License-Identifier: GPL-3.0-or-later
"""Grease Pencil fills are made from a take while the animator works: canceled, made, and undone in one step."""

from __future__ import annotations

import bpy

from benchmarks.blender.stage import shot
from tests.blender.gui import areas
from tests.blender.gui.desk import Desk
from tests.blender.gui.steps import Steps, pause, until
from tests.blender.scenarios.fills import placed_take

_OPERATOR = "LONGANIMATION_OT_make_fills"
_SECONDS = 120


def play(desk: Desk) -> Steps:
    """Cancel the fills, make them, and undo and redo them."""
    scene = shot()
    scene.render.resolution_percentage = 50
    yield pause(0.5)
    work = desk.results / "work"
    work.mkdir()
    job = placed_take(scene, work).job
    scene.frame_set(6)
    view = areas.area_of("VIEW_3D")
    view.spaces.active.region_3d.view_perspective = "CAMERA"
    yield from areas.show_tab(view, "LongAnimation")
    bpy.ops.ed.undo_push(message="Take")

    bpy.ops.longanimation.make_fills("INVOKE_DEFAULT", job=job)
    assert _OPERATOR in areas.modal_operators()
    yield from desk.hands.key("Escape")
    yield until(lambda: _OPERATOR not in areas.modal_operators(), 20, "the end of the operator")
    assert not _fills(), "canceled fills were made"

    desk.watch.phase = "tracing"
    bpy.ops.longanimation.make_fills("INVOKE_DEFAULT", True, job=job)
    yield from desk.screenshot("1 tracing")
    yield until(_fills, _SECONDS, "the fills")
    desk.watch.phase = "made"
    assert len(_fills()) == 1
    for item in bpy.context.scene.objects:
        item.select_set(item.name in _fills())
    yield from desk.put_mouse_away()
    yield pause(2)
    yield from desk.screenshot("2 the fills under the lines")

    bpy.ops.ed.undo()
    yield until(lambda: not _fills(), 20, "an undo")
    bpy.ops.ed.redo()
    yield until(_fills, 20, "a redo")

    bpy.ops.longanimation.make_fills("INVOKE_DEFAULT", True, job=job, by="objects")
    yield until(lambda: len(_fills()) > 2, _SECONDS, "the fills of each object")
    yield until(lambda: _OPERATOR not in areas.modal_operators(), 20, "the end of the operator")
    for item in bpy.context.scene.objects:
        item.select_set(item.name in _fills())
    yield from desk.put_mouse_away()
    yield pause(2)
    yield from desk.screenshot("3 the fills behind each object")


def _fills() -> list[str]:
    return [item.name for item in bpy.context.scene.objects if "longanimation_fills" in item]
