# SPDX-License-Identifier: GPL-3.0-or-later
"""Buttons, found as an animator finds them: by moving the mouse over a region.

Blender does not tell where a button is. Yet it can copy the Python command, or the data path, of the button under the
mouse (Ctrl-C and Shift-Ctrl-Alt-C in its keymap), and that tells which one is there.
"""

from __future__ import annotations

from collections.abc import Iterator

import bpy

from .areas import window
from .hands import Hands
from .steps import Steps, turns

_TAB_STRIP = 20
_ROW = 20
"""Pixels at the usual size of the interface: width of a sidebar's tabs, height of a button."""

_SMALL_BUTTONS = 7
"""Most buttons with nothing but an icon at the right of a row."""

_PAGES = 12
_WHEEL_DOWN, _WHEEL_UP = 5, 4


def under_mouse(area: bpy.types.Area, region: bpy.types.Region) -> str:
    """The button under the mouse: `bpy.ops.module.name(…)`, or a property's path (`longanimation.seed`), or ""."""
    manager = bpy.context.window_manager
    with bpy.context.temp_override(window=window(), area=area, region=region):
        for copy in (bpy.ops.ui.copy_python_command_button, bpy.ops.ui.copy_data_path_button):
            if copy.poll():
                copy()
                return manager.clipboard
    return ""


def find(hands: Hands, area: bpy.types.Area, region: bpy.types.Region, what: str) -> Steps:
    """Leave the mouse on the first button whose command or path contains `what`; the region is scrolled if need be.

    AssertionError says what there is instead. A grayed-out button is found like any other.
    """
    seen: dict[str, None] = {}
    if (yield from _sweep(hands, area, region, seen, what, patience=0)):
        return
    yield from _scroll(hands, region, _WHEEL_UP, _PAGES)
    for _ in range(_PAGES):
        if (yield from _sweep(hands, area, region, seen, what, patience=4)):
            return
        if not (yield from _scroll(hands, region, _WHEEL_DOWN, 1)):
            break
    raise AssertionError(f"no button {what!r} in {area.type}, only {', '.join(seen) or 'none'}")


def survey(hands: Hands, area: bpy.types.Area, region: bpy.types.Region) -> Steps:
    """Move over a whole region, scrolled from its top to its end; returns the buttons that are there."""
    seen: dict[str, None] = {}
    yield from _scroll(hands, region, _WHEEL_UP, _PAGES)
    for _ in range(_PAGES):
        yield from _sweep(hands, area, region, seen, None, patience=0)
        if not (yield from _scroll(hands, region, _WHEEL_DOWN, 1)):
            break
    return list(seen)


def _sweep(
    hands: Hands, area: bpy.types.Area, region: bpy.types.Region, seen: dict[str, None], what: str | None, patience: int
) -> Steps:
    """Move over the visible part of a region and note what is there; True as soon as it is `what`.

    patience: turns of the event loop to wait at each point, as a busy machine may be late to light a button up.
    """
    for x, y in _positions(region):
        yield from hands.move(x, y)
        yield from turns(patience)
        if here := under_mouse(area, region):
            seen[here] = None
            if what is not None and what in here:
                return True
    return False


def _scroll(hands: Hands, region: bpy.types.Region, wheel: int, pages: int) -> Steps:
    """Turn the wheel over a region by so many pages at most; returns whether it moved."""
    moved = False
    yield from hands.move(region.x + region.width // 2, region.y + region.height // 2)
    for _ in range(pages):
        before = tuple(region.view2d.region_to_view(0, 0))
        for _ in range(4):
            yield from hands.click(wheel)
        yield from turns(20)  # scrolling is smooth
        if tuple(region.view2d.region_to_view(0, 0)) == before:
            break
        moved = True
    return moved


def _positions(region: bpy.types.Region) -> Iterator[tuple[int, int]]:
    """Points of a region, so close that every button has one: down its middle, then the small buttons at the right."""
    scale = bpy.context.preferences.system.ui_scale
    right = region.width - _TAB_STRIP * scale
    step = round(_ROW * scale / 2)
    small = (right - (32 + _ROW * number) * scale for number in range(_SMALL_BUTTONS))
    for column in (0.6 * right, right - 20 * scale, *small, 0.3 * right):
        for y in range(region.height - step // 2, 0, -step):
            yield region.x + round(column), region.y + y
