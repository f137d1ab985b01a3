# SPDX-License-Identifier: GPL-3.0-or-later
"""One panel, in the Sequencer's and in the 3D view's sidebar."""

import textwrap

import bpy

from . import monitor
from .session import Failed, Progress

_LABEL_LETTERS = 38
"""What fits into a line of a sidebar of the usual width: Blender's labels do not wrap."""


def _draw(panel: bpy.types.Panel, context: bpy.types.Context) -> None:
    layout = panel.layout
    layout.use_property_split = True
    layout.use_property_decorate = False
    shot = context.scene.longanimation
    _draw_range(layout, shot)
    _draw_keyframes(layout, shot)
    column = layout.column()
    for name in ("preset", "finish", "quality", "seed", "prompt"):
        column.prop(shot, name)
    layout.operator("longanimation.color_shot", icon="BRUSH_DATA")
    for running in monitor.takes:
        _draw_running(layout, running)
    row = layout.row(align=True)
    row.operator("longanimation.fetch_take")
    row.operator("longanimation.place_strips")


def _draw_range(layout: bpy.types.UILayout, shot: bpy.types.PropertyGroup) -> None:
    column = layout.column(align=True)
    column.prop(shot, "use_scene_range")
    if not shot.use_scene_range:
        column.prop(shot, "frame_start")
        column.prop(shot, "frame_end")


def _draw_keyframes(layout: bpy.types.UILayout, shot: bpy.types.PropertyGroup) -> None:
    box = layout.box()
    for index, keyframe in enumerate(shot.keyframes):
        row = box.row(align=True)
        row.use_property_split = False
        row.prop(keyframe, "frame")
        row.prop(keyframe, "image", text="")
        row.operator("longanimation.remove_keyframe", text="", icon="X").index = index
    box.operator("longanimation.add_keyframe", icon="KEYFRAME_HLT")


def _draw_running(layout: bpy.types.UILayout, running: monitor.Running) -> None:
    row = layout.row(align=True)
    if isinstance(running.latest, Failed):
        column = row.column()
        column.alert = True
        for line in textwrap.wrap(f"{running.scene}: {running.latest.sentence}", _LABEL_LETTERS):
            column.label(text=line)
    elif isinstance(running.latest, Progress):
        row.progress(factor=running.latest.fraction, text=f"{running.scene}: {running.latest.text}")
    row.operator("longanimation.cancel", text="", icon="X").job = running.session.take.job


class LONGANIMATION_PT_sequencer(bpy.types.Panel):
    """The shot's settings, beside its strips."""

    bl_label = "LongAnimation Color"
    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "UI"
    bl_category = "LongAnimation"
    draw = _draw


class LONGANIMATION_PT_view3d(bpy.types.Panel):
    """The shot's settings, beside its drawings."""

    bl_label = "LongAnimation Color"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "LongAnimation"
    draw = _draw


_CLASSES = (LONGANIMATION_PT_sequencer, LONGANIMATION_PT_view3d)


def register() -> None:
    """Show the panels."""
    for kind in _CLASSES:
        bpy.utils.register_class(kind)


def unregister() -> None:
    """Hide the panels."""
    for kind in reversed(_CLASSES):
        bpy.utils.unregister_class(kind)
