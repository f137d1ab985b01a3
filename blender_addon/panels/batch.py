# SPDX-License-Identifier: GPL-3.0-or-later
"""The shots that are colored together."""

import bpy

from ..properties.batch import of_file
from ..widgets import draw_sentence


class LONGANIMATION_UL_batch(bpy.types.UIList):
    """The shots of the batch, one per row; the problem of the chosen one is shown below the list."""

    def draw_item(self, _context, layout, _data, shot, _icon, _active_data, _active_name) -> None:
        """Called by Blender."""
        row = layout.row(align=True)
        row.prop(shot, "enabled", text="")
        row.prop(shot, "name", text="", emboss=False)
        frames = row.row()
        frames.alignment = "RIGHT"
        frames.label(text=f"{shot.frame_start}–{shot.frame_end}", translate=False)
        frames.label(icon="ERROR" if shot.problem else "CHECKMARK")


class Batch:
    """Several shots at once."""

    bl_label = "Batch"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self: bpy.types.Panel, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout = self.layout
        batch = of_file(context.scene)
        row = layout.row(align=True)
        row.operator("longanimation.batch_markers", text="Markers")
        row.operator("longanimation.batch_strips", text="Strips")
        row.operator("longanimation.batch_scenes", text="Scenes")
        row = layout.row()
        row.template_list("LONGANIMATION_UL_batch", self.bl_space_type, batch, "shots", batch, "active", rows=4)
        column = row.column(align=True)
        column.operator("longanimation.batch_add", text="", icon="ADD")
        column.operator("longanimation.batch_remove", text="", icon="REMOVE")
        column.separator()
        column.operator("longanimation.batch_jump", text="", icon="FRAME_NEXT")
        column.operator("longanimation.batch_clear", text="", icon="TRASH")
        if batch.chosen is not None:
            column = layout.column(align=True)
            column.use_property_split = True
            column.use_property_decorate = False
            for name in ("scene", "frame_start", "frame_end"):
                column.prop(batch.chosen, name)
            if batch.chosen.problem:
                draw_sentence(layout, context, batch.chosen.problem, icon="ERROR")
        layout.operator("longanimation.color_batch", icon="BRUSH_DATA")
        layout.operator("longanimation.batch_timeline", icon="SEQUENCE")


CLASSES = (LONGANIMATION_UL_batch,)
