# SPDX-License-Identifier: GPL-3.0-or-later
"""The classes that the extension has registered in Blender."""

from __future__ import annotations

from typing import Any

import bpy

from server.demo.in_blender.extension import EXTENSION


def is_ours(kind: Any) -> bool:
    """Tell whether a class is defined in the extension."""
    return kind.__module__.startswith(EXTENSION)


def registered(base: Any) -> list[Any]:
    """The extension's registered classes below one of Blender's, such as bpy.types.Panel."""
    return [kind for kind in _below(base) if kind.is_registered and any(map(is_ours, kind.__mro__))]


def panels(area: bpy.types.Area) -> list[Any]:
    """The extension's panels that an editor's sidebar shows at present, parents before their children."""
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0], area=area):
        return [
            panel
            for panel in registered(bpy.types.Panel)
            if (panel.bl_space_type, panel.bl_region_type) == (area.type, "UI")
            and (not hasattr(panel, "poll") or panel.poll(bpy.context))
        ]


def _below(base: Any) -> list[Any]:
    children: list[Any] = base.__subclasses__()
    return [*children, *(kind for child in children for kind in _below(child))]
