# SPDX-License-Identifier: GPL-3.0-or-later
"""The shot: its range, its painted keyframes, and the button that sends it."""

import bpy

from ..shared.translatable_text import TranslatableText
from ..translations import translated
from ..widgets import draw_notices, draw_sentence
from .thumbnails import icon_of_image


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
            _draw_keyframe(box, context, index, keyframe)
        column = box.column(align=True)
        column.operator("longanimation.add_keyframe", icon="KEYFRAME_HLT")
        column.operator("longanimation.paint_keyframe", icon="TPAINT_HLT")
        column.operator("longanimation.load_keyframes", icon="FILE_FOLDER")
        layout.operator("longanimation.color_shot", icon="BRUSH_DATA")


_PICTURE = 2.2
"""Size of a keyframe's picture, in rows."""
_LEFT_OUT = TranslatableText("The light or motion blur of the scene's render is left out")


def _draw_keyframe(
    box: bpy.types.UILayout, context: bpy.types.Context, index: int, keyframe: bpy.types.PropertyGroup
) -> None:
    row = box.row()
    row.use_property_split = False
    icon = icon_of_image(keyframe.image or keyframe.thumbnail)
    if icon:
        row.template_icon(icon, scale=_PICTURE)
    column = row.column(align=True)
    line = column.row(align=True)
    line.prop(keyframe, "frame", text="")
    line.operator("longanimation.remove_keyframe", text="", icon="X").index = index
    column.prop(keyframe, "image", text="", placeholder=translated("As the Scene Renders"))
    if keyframe.is_lit and keyframe.image is None:
        draw_sentence(box, context, _LEFT_OUT, "INFO")
