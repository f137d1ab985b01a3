# SPDX-License-Identifier: GPL-3.0-or-later
"""A region of a take is clicked and gets the brush's color; once the click is called off."""

from __future__ import annotations

import bpy
import numpy as np

from benchmarks.blender.stage import extension, shot
from tests.blender.gui import areas
from tests.blender.gui.desk import Desk
from tests.blender.gui.steps import Steps, pause, until
from tests.blender.scenarios.fills import placed_take

_OPERATOR = "LONGANIMATION_OT_repaint_region"
_SECONDS = 60
_PLACE = (0.5, 0.04)
"""Where the region is clicked, in widths and heights of the picture from its lower left corner."""


def play(desk: Desk) -> Steps:
    """Open a frame, call the click off, and then color a region from this frame on."""
    scene = shot()
    scene.render.resolution_percentage = 50
    yield pause(0.5)
    work = desk.results / "work"
    work.mkdir()
    take = placed_take(scene, work)
    scene.frame_set(5)
    area = areas.area_of("VIEW_3D")
    yield from areas.change(area, "IMAGE_EDITOR")
    yield from areas.show_tab(area, "LongAnimation")
    yield from desk.press(area, "longanimation.fix_frame")
    yield until(lambda: area.spaces.active.image, 20, "the frame")
    yield pause(1)
    _set_brush((0.1, 0.7, 0.3))

    yield from desk.press(area, "longanimation.repaint_region()")
    yield until(lambda: _OPERATOR in areas.modal_operators(), 10, "the operator")
    yield from desk.screenshot("1 waiting for the click")
    yield from desk.hands.key("Escape")
    yield until(lambda: _OPERATOR not in areas.modal_operators(), 10, "the end of the operator")
    assert len(_takes()) == 1

    yield from desk.press(area, "longanimation.repaint_region(onward=True")
    yield until(lambda: _OPERATOR in areas.modal_operators(), 10, "the operator")
    region = areas.region_of(area, "WINDOW")
    x, y = region.view2d.view_to_region(*_PLACE, clip=False)
    yield from desk.hands.move(region.x + x, region.y + y)
    yield from desk.hands.click()
    yield until(lambda: len(_takes()) == 2, _SECONDS, "the take")
    made = _takes()[1].take
    image = area.spaces.active.image
    assert image["longanimation_job"] == made.job, "the editor shows the new take"
    yield from desk.put_mouse_away()
    yield pause(1)
    yield from desk.screenshot("2 the region in its new color")
    read = extension("png_pixels").read_png
    for frame in made.manifest.exposure.frames:
        first, second = (read(one.fills / f"{frame:04d}.png") for one in (take, made))
        assert bool(np.any(first != second)) == (frame >= 5), frame


def _set_brush(color: tuple[float, float, float]) -> None:
    paint = bpy.context.scene.tool_settings.image_paint
    unified = getattr(paint, "unified_paint_settings", None) or bpy.context.scene.tool_settings.unified_paint_settings
    unified.use_unified_color = True
    unified.color = color


def _takes() -> list[object]:
    return list(extension("take_manager").entries.values())
