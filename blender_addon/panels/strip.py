# SPDX-License-Identifier: GPL-3.0-or-later
"""The take of the Sequencer's active strip."""

from typing import Any

import bpy

from .. import compat, take_manager
from ..sequencer.strips import JOB


class Strip:
    """The take that the active strip belongs to, and how it was made."""

    bl_label = "Strip"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Shown while one of our strips is active."""
        return _strip(context) is not None

    def draw(self: bpy.types.Panel, context: bpy.types.Context) -> None:
        """Called by Blender."""
        strip = _strip(context)
        column = self.layout.column(align=True)
        entry = take_manager.entries.get(strip[JOB])
        if entry is not None:
            column.label(text=entry.take.title, icon="SEQUENCE", translate=False)
        for label, name in (("Preset", "preset"), ("Seed", "seed"), ("Job", "job"), ("Hash", "hash")):
            row = column.split(factor=0.3)
            row.label(text=label)
            row.label(text=str(strip.get(f"longanimation_{name}", "")), translate=False)


def _strip(context: bpy.types.Context) -> Any:
    editor = compat.sequencer_scene(context).sequence_editor
    strip = editor.active_strip if editor else None
    return strip if strip is not None and JOB in strip else None
