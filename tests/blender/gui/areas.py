# SPDX-License-Identifier: GPL-3.0-or-later
"""Editors of Blender's window: found, split, changed, with a sidebar that shows a tab."""

from __future__ import annotations

from typing import Any

import bpy

from .steps import Steps, turns, until

_SECONDS = 20


def window() -> bpy.types.Window:
    """Blender's main window. Ask again after a file was opened."""
    return bpy.context.window_manager.windows[0]


def area_of(kind: str) -> bpy.types.Area:
    """The largest editor of a type, such as VIEW_3D or SEQUENCE_EDITOR."""
    areas = [area for area in window().screen.areas if area.type == kind]
    assert areas, f"no {kind} in the window"
    return max(areas, key=lambda area: area.width * area.height)


def region_of(area: bpy.types.Area, kind: str) -> bpy.types.Region:
    """A region of an editor: WINDOW, UI (the sidebar), HEADER."""
    return next(region for region in area.regions if region.type == kind)


def split(area: bpy.types.Area, direction: str, factor: float, kind: str) -> Steps:
    """Split an editor; the new part, left or below, becomes an editor of type `kind`, which is returned."""
    before = {other.as_pointer() for other in window().screen.areas}
    with bpy.context.temp_override(window=window(), area=area):
        bpy.ops.screen.area_split(direction=direction, factor=factor)
    yield None
    fresh = next(other for other in window().screen.areas if other.as_pointer() not in before)
    pair = (area, fresh)
    lower = min(pair, key=lambda part: part.y if direction == "HORIZONTAL" else part.x)
    yield from change(lower, kind)
    return lower


def change(area: bpy.types.Area, kind: str) -> Steps:
    """Turn an editor into another one."""
    area.type = kind
    yield from turns(5)


def show_tab(area: bpy.types.Area, tab: str) -> Steps:
    """Show a tab of an editor's sidebar; returns the sidebar, a region."""
    area.spaces.active.show_region_ui = True
    sidebar: Any = region_of(area, "UI")

    def turned() -> bool:
        try:
            sidebar.active_panel_category = tab
        except (AttributeError, TypeError):  # the tabs are known once the sidebar is drawn
            return False
        return True

    yield until(turned, _SECONDS, f"a tab {tab} in the sidebar of {area.type}")
    yield from turns(20)
    return sidebar


def modal_operators() -> list[str]:
    """Names of the operators that are running in the window, such as LONGANIMATION_OT_color_shot."""
    return [operator.bl_idname for operator in window().modal_operators]
