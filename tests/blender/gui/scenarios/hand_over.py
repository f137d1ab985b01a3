# SPDX-License-Identifier: GPL-3.0-or-later
"""A take is made ready for others: its colors get names, a variant, layers of their own, and an exposure sheet."""

from __future__ import annotations

from typing import Any

import bpy

from benchmarks.blender.stage import extension, shot, strips_of
from tests.blender.gui import areas
from tests.blender.gui.desk import Desk
from tests.blender.gui.scenarios.takes import lay_out
from tests.blender.gui.steps import Steps, pause, until
from tests.blender.scenarios.fills import placed_take

_PART = "LONGANIMATION_OT_part_take"
_NIGHT = (0.08, 0.1, 0.3)
_SECONDS = 120


def play(desk: Desk) -> Steps:
    """Name and change a color, call the parting of the take off and let it end, undo it, and write its sheet."""
    scene = shot()
    scene.render.resolution_percentage = 50
    yield pause(0.5)
    work = desk.results / "work"
    work.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(work / "shot.blend"))
    scene = bpy.context.scene
    take = placed_take(scene, work)
    scene.frame_set(6)
    yield from lay_out(scene)
    yield from _name_and_change(desk)
    yield from _part(desk, take)
    bpy.ops.longanimation.write_sheet("INVOKE_DEFAULT", job=take.job)
    yield until(lambda: (take.folder / "exposure.xdts").is_file(), 20, "the exposure sheet")


def _name_and_change(desk: Desk) -> Steps:
    scene, sequencer = bpy.context.scene, areas.area_of("SEQUENCE_EDITOR")
    bpy.ops.longanimation.read_palette("INVOKE_DEFAULT", job=_takes()[0].take.job)
    palette = scene.longanimation.palette
    yield until(lambda: palette, 20, "the colors of the take")
    yield from desk.open_panel(sequencer, "LONGANIMATION_PT_sequence_palette")
    yield from desk.enter(sequencer, "longanimation.palette[0].name", "Night")
    yield until(lambda: palette[0].name == "Night", 10, "the name")
    palette[0].changed = _NIGHT
    yield from desk.put_mouse_away()
    yield from desk.screenshot("1 the colors with a name", areas.region_of(sequencer, "UI"))
    yield from desk.press(sequencer, "longanimation.recolor(")
    yield until(lambda: len(_takes()) == 2 and _takes()[1].take.state == "done", _SECONDS, "the variant")
    yield until(lambda: len(strips_of(scene)) == 2, 10, "its strip")
    yield from desk.put_mouse_away()
    yield pause(1)
    yield from desk.screenshot("2 the variant")
    assert "Night" in [swatch.name for swatch in _takes()[1].take.palette]


def _part(desk: Desk, take: Any) -> Steps:
    bpy.ops.ed.undo_push(message="Before")
    before = _layers()
    bpy.ops.longanimation.part_take("INVOKE_DEFAULT", job=take.job, by="objects")
    yield until(lambda: _PART in areas.modal_operators(), 10, "the operator")
    yield from desk.hands.key("Escape")
    yield until(lambda: _PART not in areas.modal_operators(), 20, "the end of the operator")
    assert _layers() == before and not (take.folder / "layers.oca").exists(), "layers of a take that was not parted"
    desk.watch.phase = "parting"
    bpy.ops.longanimation.part_take("INVOKE_DEFAULT", True, job=take.job, by="objects")
    yield from desk.screenshot("3 parting")
    yield until(lambda: len(_layers()) > len(before), _SECONDS, "the layers")
    desk.watch.phase = "scenario"
    assert list((take.folder / "layers.oca").glob("*.oca")), "no document of Open Cel Animation"
    bpy.ops.longanimation.show_take(job=take.job)
    yield from desk.put_mouse_away()
    yield pause(1)
    yield from desk.screenshot("4 the layers in the meta strip")
    parted = _layers()
    bpy.ops.ed.undo()
    yield until(lambda: _layers() != parted, 20, "an undo")


def _takes() -> list[Any]:
    return list(extension("take_manager").entries.values())


def _layers() -> list[str]:
    """The names of the strips in the takes' meta strips."""
    metas = strips_of(bpy.context.scene)
    return [inner.name for meta in metas for inner in (meta.strips if hasattr(meta, "strips") else meta.sequences)]
