# SPDX-License-Identifier: GPL-3.0-or-later
"""The shot: its range, its painted keyframes, and the button that sends it."""

import bpy

from ..widgets import draw_notices


class Shot:
    """What to color; holds the other sections."""

    bl_label = "LongAnimation Color"

    def draw(self: bpy.types.Panel, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        draw_notices(layout, context)
        shot = context.scene.longanimation
        column = layout.column(align=True)
        column.prop(shot, "use_scene_range")
        if not shot.use_scene_range:
            column.prop(shot, "frame_start")
            column.prop(shot, "frame_end")
        box = layout.box()
        for index, keyframe in enumerate(shot.keyframes):
            row = box.row(align=True)
            row.use_property_split = False
            row.prop(keyframe, "frame")
            row.prop(keyframe, "image", text="")
            row.operator("longanimation.remove_keyframe", text="", icon="X").index = index
        column = box.column(align=True)
        column.operator("longanimation.add_keyframe", icon="KEYFRAME_HLT")
        column.operator("longanimation.paint_keyframe", icon="TPAINT_HLT")
        column.operator("longanimation.load_keyframes", icon="FILE_FOLDER")
        layout.operator("longanimation.color_shot", icon="BRUSH_DATA")
