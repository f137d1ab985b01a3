# SPDX-License-Identifier: GPL-3.0-or-later
"""The finished takes of the scene."""

import bpy

from .. import take_manager
from ..sequencer.strips import strips_of_take
from ..takes.take import Take
from ..translations import translated
from ..widgets import draw_sentence
from .thumbnails import icon_of

_MOST_GUESSES = 6
"""The most guessed frames that are listed per take."""


class Takes:
    """The finished takes of this scene, the newest first."""

    bl_label = "Takes"

    def draw(self: bpy.types.Panel, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout = self.layout
        shot = context.scene.longanimation
        done = [entry for entry in take_manager.in_view(context) if entry.take.state == "done"]
        if done:
            column = layout.column(align=True)
            column.operator("longanimation.fix_frame", icon="TPAINT_HLT")
            column.operator("longanimation.recolor_from_fix", icon="BRUSH_DATA")
        for entry in done:
            if shot.show_hidden_takes or not entry.take.hidden:
                _draw_take(layout.box(), context, entry)
        if not done:
            layout.label(text="Finished takes appear here")
        if any(entry.take.hidden for entry in done):
            layout.prop(shot, "show_hidden_takes")
        layout.operator("longanimation.open_take", icon="FILE_FOLDER")


def _draw_guesses(box: bpy.types.UILayout, take: Take) -> None:
    """List the frames with the largest guessed shares, each with a button that jumps to it."""
    box.label(text="Partly guessed: a keyframe there helps", icon="QUESTION")
    worst = sorted(take.guesses, key=lambda guess: -guess[1])[:_MOST_GUESSES]
    grid = box.grid_flow(row_major=True, columns=3, even_columns=True, align=True)
    for frame, share in sorted(worst):
        text = f"{frame}: {100 * share:.1f} %"
        jump = grid.operator("longanimation.jump_to_frame", text=text, translate=False)
        jump.job, jump.frame = take.job, frame


def _draw_take(box: bpy.types.UILayout, context: bpy.types.Context, entry: take_manager.Entry) -> None:
    take = entry.take
    row = box.row(align=True)
    row.label(text=take.title, icon_value=icon_of(entry), translate=False)
    for name, icon in (
        ("show_take", "HIDE_OFF"),
        ("compare_takes", "MOD_MIRROR"),
        ("note_take", "GREASEPENCIL"),
        ("read_palette", "COLOR"),
        ("use_settings", "COPYDOWN"),
        ("open_folder", "FILE_FOLDER"),
        ("hide_take", "GHOST_DISABLED" if take.hidden else "X"),
    ):
        row.operator(f"longanimation.{name}", text="", icon=icon).job = take.job
    column = box.column(align=True)
    column.scale_y = 0.8
    column.label(text=translated(take.summary), translate=False)
    timeline = bpy.data.scenes.get(take.placement.scene)
    if timeline is None or not any(strips_of_take(timeline, take.job)):
        box.operator("longanimation.place_take", icon="SEQ_SEQUENCER").job = take.job
    elif getattr(context.workspace, "sequencer_scene", timeline) != timeline:
        box.operator("longanimation.show_timeline", icon="SEQ_SEQUENCER").job = take.job
    if take.guesses:
        _draw_guesses(box, take)
    for sentence in (take.note, *entry.remarks):
        if sentence:
            draw_sentence(box, context, sentence, "INFO")
