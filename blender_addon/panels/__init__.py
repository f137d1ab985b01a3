# SPDX-License-Identifier: GPL-3.0-or-later
"""The panels, one file per noun. Each section is a panel in the sidebars of three editors."""

import bpy

from . import batch, checks, lineart, palette, queue, settings, shot, strip, takes, thumbnails

_SPACES = ("VIEW_3D", "SEQUENCE_EDITOR", "IMAGE_EDITOR")
_SECTIONS = (
    shot.Shot,
    lineart.LineArt,
    settings.Settings,
    checks.Checks,
    batch.Batch,
    queue.Queue,
    takes.Takes,
    palette.Palette,
    strip.Strip,
)
"""In the order in which they are shown; the first is the parent of the others."""


def _panels() -> list[type[bpy.types.Panel]]:
    """One class for each section and editor, as Blender requires."""
    panels = []
    for space in _SPACES:
        place = space.split("_")[0].lower()
        for section in _SECTIONS:
            name = f"LONGANIMATION_PT_{place}_{section.__name__.lower()}"
            attributes = {
                "bl_idname": name,
                "bl_space_type": space,
                "bl_region_type": "UI",
                "bl_category": "LongAnimation",
                "__doc__": section.__doc__,
            }
            if section is not _SECTIONS[0]:
                attributes["bl_parent_id"] = f"LONGANIMATION_PT_{place}_{_SECTIONS[0].__name__.lower()}"
            panels.append(type(name, (section, bpy.types.Panel), attributes))
    return panels


_classes: list[type[bpy.types.Panel]] = []


def register() -> None:
    """Show the panels."""
    _classes[:] = [*batch.CLASSES, *_panels()]
    for kind in _classes:
        bpy.utils.register_class(kind)


def unregister() -> None:
    """Hide the panels."""
    for kind in reversed(_classes):
        bpy.utils.unregister_class(kind)
    thumbnails.unregister()
