# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of every panel at three widths, of menus, of some tooltips, and of the preferences."""

from __future__ import annotations

import bpy

from benchmarks.blender.stage import extension, shot
from server.demo.in_blender.extension import EXTENSION
from tests.blender.gui import areas, classes
from tests.blender.gui.desk import Desk
from tests.blender.gui.steps import Steps, pause, until

_TAB = "LongAnimation"
_EDITORS = ("SEQUENCE_EDITOR", "IMAGE_EDITOR", "VIEW_3D")
_TOOLTIPS = 6
_WIDTHS = {"wide": 420, "narrow": 200}
_SEARCHES = ("Color Shot", "Use This Frame", "Check Shot", "Fix This Frame")


def play(desk: Desk) -> Steps:
    """Show the tab in each editor it is in, then each section, then hover over buttons; at last the preferences."""
    shot()
    yield pause(0.5)
    area = areas.area_of("VIEW_3D")
    for editor in _EDITORS:
        yield from areas.change(area, editor)
        yield from areas.show_tab(area, _TAB)
        yield from desk.put_mouse_away()
        yield from desk.screenshot(f"{editor} default", areas.region_of(area, "UI"))
    _assert_shortcuts_are_free()
    yield from _one_by_one(desk, area, "section")
    yield from desk.speak("fr_FR")
    yield from _one_by_one(desk, area, "French")
    yield from _languages(desk, area)
    yield from _searches(desk, area)
    yield from _tooltips(desk, area)
    for name, width in _WIDTHS.items():
        yield from desk.widen(area, width)
        yield from desk.put_mouse_away()
        yield from desk.screenshot(f"{area.type} {name}", areas.region_of(area, "UI"))
    yield from show_preferences(desk, area, "preferences")


def _assert_shortcuts_are_free() -> None:
    """Blender's own keymaps use none of the extension's shortcuts; those of modal operators do not count."""
    ours = set(extension("keymap").SHORTCUTS.values())
    keymaps = bpy.context.window_manager.keyconfigs.default.keymaps
    items = [(keymap.name, item) for keymap in keymaps if not keymap.is_modal for item in keymap.keymap_items]
    assert items, "Blender has no keymaps"
    taken = [
        (name, item.idname)
        for name, item in items
        if item.type in ours and item.value == "PRESS" and item.ctrl and item.alt and item.shift
    ]
    assert taken == [], taken


def _one_by_one(desk: Desk, area: bpy.types.Area, name: str) -> Steps:
    """Open each section that is closed, alone, at the default width: all at once are higher than the window."""
    for panel in classes.panels(area):
        if "DEFAULT_CLOSED" not in getattr(panel, "bl_options", ()):
            continue
        yield from desk.open_panel(area, panel.bl_idname)
        x, y = areas.region_of(area, "UI").x + 100, 20
        yield from desk.screenshot(f"{name} {panel.bl_label}", areas.region_of(area, "UI"))
        yield from desk.hands.click()  # the mouse is still on its header
        yield from desk.hands.move(x, y)
        yield pause(0.5)


def _languages(desk: Desk, area: bpy.types.Area) -> Steps:
    """The tab in every language that the extension speaks, at the sidebar's default width."""
    for language in extension("translations").languages():
        yield from desk.speak(language)
        yield from desk.screenshot(f"language {language}", areas.region_of(area, "UI"))
    yield from desk.speak("en_US")


def _searches(desk: Desk, area: bpy.types.Area) -> Steps:
    """The search of menus finds the operators by the names that an animator would type."""
    for words in _SEARCHES:
        yield from desk.point_at(area)
        with bpy.context.temp_override(window=areas.window(), area=area, region=areas.region_of(area, "WINDOW")):
            bpy.ops.wm.search_menu("INVOKE_DEFAULT")
        yield pause(1)
        yield from desk.hands.type(words)
        yield pause(1)
        yield from desk.screenshot(f"search {words}")
        yield from desk.hands.key("Escape", "Escape")
        yield pause(0.3)


def _tooltips(desk: Desk, area: bpy.types.Area) -> Steps:
    for number, button in enumerate((yield from desk.survey(area))[:_TOOLTIPS], start=1):
        print(f"tooltip {number}: {button}")
        yield from desk.hover(area, button)
        yield pause(1.5)
        yield from desk.screenshot(f"tooltip {number}")


def show_preferences(desk: Desk, area: bpy.types.Area, name: str) -> Steps:
    """The extension's preferences in an editor's place, and its connection tested."""
    yield from areas.change(area, "PREFERENCES")
    bpy.context.preferences.active_section = "ADDONS"
    bpy.context.window_manager.addon_search = "LongAnimation"
    bpy.ops.preferences.addon_expand(module=EXTENSION)
    yield pause(0.5)
    yield from desk.press(area, "ops.longanimation.test_connection", region="WINDOW")
    yield until(lambda: extension("take_manager").presets, 20, "the connection tested")
    yield pause(0.5)
    yield from desk.put_mouse_away()
    yield from desk.screenshot(name)
