# SPDX-License-Identifier: GPL-3.0-or-later
"""The first steps, in a file whose shot was never colored."""

import bpy

from .. import manual, take_manager
from ..preferences import server_of
from ..shared.remote.transport import is_loopback
from ..shared.translatable_text import TranslatableText
from ..widgets import draw_sentence


class FirstSteps:
    """What to do first, each step with its button."""

    bl_label = "First Steps"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Shown until the shot was colored or checked."""
        return not take_manager.in_view(context)

    def draw(self: bpy.types.Panel, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout = self.layout
        has_keyframe = bool(context.scene.longanimation.keyframes)
        column = _step(layout, context, TranslatableText("Go to a frame whose fills show every color."), has_keyframe)
        column.operator("longanimation.add_keyframe", icon="KEYFRAME_HLT")
        column = _step(
            layout, context, TranslatableText("Connect to the server that colors."), bool(take_manager.presets)
        )
        if is_loopback(server_of(context.scene).address):
            column.operator("longanimation.start_server", icon="PLAY")
        column.operator("longanimation.test_connection", icon="URL")
        column = _step(layout, context, TranslatableText("Send the shot. Its frames come into the Sequencer."), False)
        column.operator("longanimation.color_shot", icon="BRUSH_DATA")
        layout.operator("wm.url_open", text="Common Tasks", icon="HELP").url = manual.ADDRESS


def _step(layout: bpy.types.UILayout, context: bpy.types.Context, sentence: str, is_done: bool) -> bpy.types.UILayout:
    """A step: what to do, marked when it is done; its buttons go into the layout that is returned."""
    column = layout.column(align=True)
    draw_sentence(column, context, sentence, "CHECKBOX_HLT" if is_done else "CHECKBOX_DEHLT")
    return column
