# SPDX-License-Identifier: GPL-3.0-or-later
"""The model sheets of the shot."""

import bpy

from .thumbnails import icon_of_image

_PICTURE = 2.2
"""Size of a sheet's picture, in rows."""


class Sheets:
    """Painted pictures of the shot's figures that are no frames of it."""

    bl_label = "Model Sheets"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self: bpy.types.Panel, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout = self.layout
        for index, sheet in enumerate(context.scene.longanimation.sheets):
            row = layout.row()
            icon = icon_of_image(sheet.image)
            if icon:
                row.template_icon(icon, scale=_PICTURE)
            line = row.row(align=True)
            line.prop(sheet, "image", text="")
            line.operator("longanimation.remove_sheet", text="", icon="X").index = index
        column = layout.column(align=True)
        column.operator("longanimation.add_sheet", icon="RENDER_RESULT")
        column.operator("longanimation.load_sheets", icon="FILE_FOLDER")
        layout.operator("longanimation.share_sheets", icon="DUPLICATE")
