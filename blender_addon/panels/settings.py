# SPDX-License-Identifier: GPL-3.0-or-later
"""How the shot is colored."""

import bpy

from ..preferences import server_of


class Settings:
    """How the shot is colored."""

    bl_label = "Coloring"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self: bpy.types.Panel, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        row = layout.row(align=True)
        row.menu("LONGANIMATION_MT_presets", text=bpy.types.LONGANIMATION_MT_presets.bl_label)
        row.operator("longanimation.add_preset", text="", icon="ADD")
        row.operator("longanimation.add_preset", text="", icon="REMOVE").remove_active = True
        shot = context.scene.longanimation
        layout.prop(shot, "server", placeholder=server_of(context.scene).name)
        for name in ("preset", "finish", "quality", "seed", "prompt", "layout", "keep_background", "accept_errors"):
            layout.prop(shot, name)
