# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of every panel, wide and narrow, of every tooltip, and of the preferences."""

from __future__ import annotations

import bpy

from tests.blender.gui import areas
from tests.blender.gui.desk import Desk
from tests.blender.gui.steps import Steps, pause, until
from tests.blender.scenarios.stage import shot
from tests.demo.in_blender import EXTENSION

_TAB = "LongAnimation"
_EDITORS = ("SEQUENCE_EDITOR", "IMAGE_EDITOR", "VIEW_3D")
_WIDTHS = {"wide": 420, "narrow": 200}


def play(desk: Desk) -> Steps:
    """Show the tab in each editor it is in, then hover over each button of it; at last the preferences."""
    shot()
    yield pause(0.5)
    area = areas.area_of("VIEW_3D")
    for editor in _EDITORS:
        yield from areas.change(area, editor)
        yield from areas.show_tab(area, _TAB)
        yield from desk.open_panels(area)
        for name, width in _WIDTHS.items():
            yield from desk.widen(area, width)
            yield from desk.put_mouse_away()
            yield from desk.screenshot(f"{editor} {name}", areas.region_of(area, "UI"))
    yield from desk.widen(area, 300)
    yield from _tooltips(desk, area)
    yield from _preferences(desk, area)


def _tooltips(desk: Desk, area: bpy.types.Area) -> Steps:
    for number, button in enumerate((yield from desk.survey(area)), start=1):
        print(f"tooltip {number}: {button}")
        yield from desk.hover(area, button)
        yield pause(1.5)
        yield from desk.screenshot(f"tooltip {number}")


def _preferences(desk: Desk, area: bpy.types.Area) -> Steps:
    """The extension's preferences, and its connection tested."""
    yield from areas.change(area, "PREFERENCES")
    bpy.context.preferences.active_section = "ADDONS"
    bpy.context.window_manager.addon_search = "LongAnimation"
    bpy.ops.preferences.addon_expand(module=EXTENSION)
    yield pause(0.5)
    yield from desk.press(area, "ops.longanimation.test_connection", region="WINDOW")
    calls = "longanimation.test_connection.execute"
    yield until(lambda: desk.watch.calls(calls), 10, "the connection tested")
    yield pause(0.5)
    yield from desk.put_mouse_away()
    yield from desk.screenshot("preferences")
