# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the line art comes from."""

import bpy

from ..properties.lineart import ROLES, TRACES
from ..shot.scene_objects import layer_name, line_pencils_of


class LineArt:
    """Where the line art comes from."""

    bl_label = "Line Art"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self: bpy.types.Panel, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        lineart = context.scene.longanimation.lineart
        layout.prop(lineart, "source")
        if lineart.source in ("auto", "images"):
            layout.prop(lineart, "images")
            if lineart.images:
                layout.prop(lineart, "sheet")
            if lineart.images and lineart.sheet:
                layout.prop(lineart, "column")
        if lineart.source != "images":
            layout.prop(lineart, "collection")
            layout.prop(lineart, "camera")
        if lineart.source in ("auto", "pencil", "line_art", "mixed"):
            _draw_layers(layout, context, lineart)
        column = layout.column(align=True)
        column.prop(lineart, "use_scene_percentage")
        if not lineart.use_scene_percentage:
            column.prop(lineart, "percentage")
        layout.prop(lineart, "step")
        layout.prop(lineart, "keep_colors")
        _draw_traces(layout, lineart)
        if lineart.source in ("auto", "pencil", "mixed"):
            layout.prop(lineart, "trace_pass")
        if lineart.traces or lineart.trace_pass or any(layer.role == "traces" for layer in lineart.layers):
            layout.prop(lineart, "trace_fill")
        column = layout.column(align=True)
        column.prop(lineart, "gap")
        column.prop(lineart, "smallest_region")
        layout.operator("longanimation.preview_lineart", icon="HIDE_OFF")


def _draw_traces(layout: bpy.types.UILayout, lineart: bpy.types.PropertyGroup) -> None:
    """The colors of trace lines in two rows: beside a label their names would be cut off."""
    column = layout.column(align=True)
    column.use_property_split = False
    column.label(text=lineart.bl_rna.properties["traces"].name)
    colors = [*TRACES]
    for part in (colors[:3], colors[3:]):
        row = column.row(align=True)
        for color in part:
            row.prop_enum(lineart, "traces", color)


def _draw_layers(layout: bpy.types.UILayout, context: bpy.types.Context, lineart: bpy.types.PropertyGroup) -> None:
    pencils = line_pencils_of(context.scene, lineart.collection)
    layers = {layer_name(layer): layer for item in pencils for layer in item.data.layers}
    roles = lineart.options().roles
    names = {role: name for role, name, _ in ROLES}
    column = layout.column(align=True)
    for name, layer in layers.items():
        row = column.row()
        row.label(text=name, icon="GREASEPENCIL", translate=False)
        row.operator_menu_enum("longanimation.set_layer_role", "role", text=names[roles.of(layer)]).layer = name
    column = layout.column(align=True)
    column.prop(lineart, "fills_by")
    if lineart.fills_by != "none":
        column.prop(lineart, "fill_pass")
