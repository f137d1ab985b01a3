# SPDX-License-Identifier: GPL-3.0-or-later
"""The panels, one file per noun. Each section is a panel in the sidebars of three editors."""

from typing import Any

import bpy

from ..widgets import TAB
from . import (
    batch,
    checks,
    first_steps,
    header,
    lineart,
    menus,
    palette,
    queue,
    settings,
    sheets,
    shot,
    strip,
    takes,
    thumbnails,
)

_SPACES = ("VIEW_3D", "SEQUENCE_EDITOR", "IMAGE_EDITOR")
_SECTIONS: dict[type, type | None] = {
    first_steps.FirstSteps: None,
    shot.Shot: None,
    sheets.Sheets: shot.Shot,
    lineart.LineArt: shot.Shot,
    settings.Settings: shot.Shot,
    checks.Checks: None,
    queue.Queue: None,
    palette.Palette: None,  # above the takes, beside whose menu it is seen when it appears
    takes.Takes: None,
    batch.Batch: None,
    strip.Strip: None,
}
"""The sections in the order in which they are shown at first, and the section that holds each. Those in none can be
dragged and pinned."""


def _panels() -> list[type[bpy.types.Panel]]:
    """One class for each section and editor, as Blender requires."""
    panels = []
    for space in _SPACES:
        place = space.split("_")[0].lower()
        for order, (section, parent) in enumerate(_SECTIONS.items()):
            attributes: dict[str, Any] = {
                "bl_idname": _name(place, section),
                "bl_space_type": space,
                "bl_region_type": "UI",
                "bl_category": TAB,
                "bl_order": order,
                "__doc__": section.__doc__,
            }
            if parent is not None:
                attributes["bl_parent_id"] = _name(place, parent)
            panels.append(type(attributes["bl_idname"], (section, bpy.types.Panel), attributes))
    return panels


def _name(place: str, section: type) -> str:
    return f"LONGANIMATION_PT_{place}_{section.__name__.lower()}"


_classes: list[type] = []


def register() -> None:
    """Show the panels, and the operators in Blender's menus."""
    _classes[:] = [*batch.CLASSES, *queue.CLASSES, *takes.CLASSES, *palette.CLASSES, *_panels()]
    for kind in _classes:
        bpy.utils.register_class(kind)
    menus.register()
    header.register()


def unregister() -> None:
    """Hide the panels."""
    header.unregister()
    menus.unregister()
    for kind in reversed(_classes):
        bpy.utils.unregister_class(kind)
    thumbnails.unregister()
