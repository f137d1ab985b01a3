# SPDX-License-Identifier: GPL-3.0-or-later
"""The palette of a take."""

import bpy

from .. import take_manager


class Palette:
    """The colors of a take, and beside those that are replaced, what they were."""

    bl_label = "Palette"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Shown once a palette was listed."""
        return context.scene.longanimation.palette_take in take_manager.entries

    def draw(self: bpy.types.Panel, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout = self.layout
        shot = context.scene.longanimation
        layout.label(text=take_manager.entries[shot.palette_take].take.title, translate=False)
        for paint in shot.palette:
            row = layout.split(factor=0.8, align=True)
            columns = row.split(factor=0.45, align=True)
            colors = columns.row(align=True)
            if paint.is_changed:
                swatch = colors.row(align=True)
                swatch.enabled = False  # Blender dims it, so it is shown only beside another color
                swatch.prop(paint, "color", text="")
            colors.prop(paint, "changed", text="")
            columns.prop(paint, "name", text="", placeholder="#" + bytes(paint.rgb).hex())
            row.label(text=f"{paint.share:.1f} %", translate=False)
        row = layout.row(align=True)
        row.operator("longanimation.recolor", icon="BRUSH_DATA")
        row.menu("LONGANIMATION_MT_palette", text="", icon="DOWNARROW_HLT")


class LONGANIMATION_MT_palette(bpy.types.Menu):
    """Where palettes come from and go to"""

    bl_label = "Palette"

    def draw(self, _context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout = self.layout
        layout.operator_context = "INVOKE_DEFAULT"
        layout.operator("longanimation.import_palette", icon="IMPORT")
        layout.operator("longanimation.export_palette", icon="EXPORT")
        layout.separator()
        layout.operator("longanimation.use_blender_palette", icon="COLOR")
        layout.operator("longanimation.make_blender_palette", icon="COLOR")
        layout.separator()
        layout.operator("longanimation.use_library_palette", icon="URL")
        layout.operator("longanimation.store_palette", icon="URL")


CLASSES = (LONGANIMATION_MT_palette,)
