# SPDX-License-Identifier: GPL-3.0-or-later
"""The takes in progress of any file, and the unfinished takes of the open file: not sent, failed, or cancelled."""

import bpy

from .. import blend_file, notices, take_manager
from ..remote.messages import Progress
from ..translatable_text import TranslatableText
from ..translations import translated
from ..widgets import draw_remedy, draw_sentence
from .thumbnails import icon_of


class Queue:
    """The takes in progress."""

    bl_label = "Queue"

    def draw(self: bpy.types.Panel, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout = self.layout
        entries = [
            entry for entry in take_manager.entries.values() if entry.take.state != "done" and not entry.take.hidden
        ]
        shown = [entry for entry in entries if entry.is_active or entry.take.placement.blend == blend_file.name()]
        if not shown:
            layout.label(text="Nothing is in progress")
        for entry in shown:
            _draw_entry(layout.box(), context, entry)


_STATES = {
    "exported": TranslatableText("Not sent yet"),
    "cancelled": TranslatableText("Canceled"),
    "failed": TranslatableText("Failed"),
}


def _draw_entry(box: bpy.types.UILayout, context: bpy.types.Context, entry: take_manager.Entry) -> None:
    take, progress = entry.take, entry.progress
    row = box.row(align=True)
    row.label(text=take.title, icon_value=icon_of(entry), translate=False)
    if entry.is_active:
        if progress.waiting:
            row.operator_menu_enum("longanimation.prioritize", "priority", text="", icon="SORTSIZE").job = take.job
        row.operator("longanimation.cancel", text="", icon="X").job = take.job
        box.progress(factor=progress.fraction, text=_progress_text(progress))
    else:
        row.operator("longanimation.retry", text="", icon="FILE_REFRESH").job = take.job
        row.operator("longanimation.hide_take", text="", icon="X").job = take.job
    column = box.column()
    column.scale_y = 0.8
    column.label(text=translated(take.summary), translate=False)
    sentence = progress.trouble if entry.is_active else take.problem or _STATES[take.state]
    if sentence and not notices.shows(sentence):
        column = box.column()
        column.alert = take.state == "failed"
        draw_sentence(column, context, sentence, "ERROR" if take.state == "failed" else "INFO")
    draw_remedy(box, entry.remedy)


def _progress_text(progress: Progress) -> str:
    """The current step, and the time left."""
    if progress.eta is None:
        return translated(progress.text)
    minutes, seconds = divmod(round(progress.eta), 60)
    hours, minutes = divmod(minutes, 60)
    time = f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
    return translated(TranslatableText("{doing}, {time} left", doing=progress.text, time=time))
