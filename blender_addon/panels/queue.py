# SPDX-License-Identifier: GPL-3.0-or-later
"""The takes under way."""

import bpy

from .. import monitor
from ..remote.session import Failed, Progress
from .words import draw_sentence


class Queue:
    """The takes under way."""

    bl_label = "Queue"

    def draw(self: bpy.types.Panel, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout = self.layout
        for running in monitor.takes:
            row = layout.row(align=True)
            if isinstance(running.latest, Failed):
                column = row.column()
                column.alert = True
                draw_sentence(column, context, f"{running.scene}: {running.latest.sentence}")
            elif isinstance(running.latest, Progress):
                row.progress(factor=running.latest.fraction, text=f"{running.scene}: {running.latest.text}")
            row.operator("longanimation.cancel", text="", icon="X").job = running.session.take.job
        row = layout.row(align=True)
        row.operator("longanimation.fetch_take")
        row.operator("longanimation.place_strips")
