# SPDX-License-Identifier: GPL-3.0-or-later
"""The takes in progress of any file, and the unfinished takes of the open file: not sent, failed, or canceled."""

import bpy

from .. import blend_file, notices, take_manager
from ..remote.messages import Progress
from ..shared.translatable_text import TranslatableText
from ..translations import translated
from ..widgets import draw_remedy, draw_sentence
from .takes import draw_menu, draw_title


class Queue:
    """The takes in progress."""

    bl_label = "Queue"

    def draw(self: bpy.types.Panel, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout = self.layout
        exporting = take_manager.exporting
        if exporting is not None:
            layout.progress(factor=exporting.fraction, text=translated(exporting.text))
        shown = [entry for entry in take_manager.entries.values() if _is_shown(entry)]
        if not shown and exporting is None:
            draw_sentence(layout, context, TranslatableText("Nothing is in progress"))
        for entry in shown:
            _draw_entry(layout.box(), context, entry)


class LONGANIMATION_MT_unfinished_take(bpy.types.Menu):
    """What is rarely done with a take that is not in progress"""

    bl_label = "Take"

    def draw(self, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout, job = self.layout, context.longanimation_job
        layout.operator("longanimation.open_folder", icon="FILE_FOLDER").job = job
        layout.operator("longanimation.hide_take", icon="HIDE_ON").job = job


def _is_shown(entry: take_manager.Entry) -> bool:
    """Whether the queue lists a take. One that was only checked is in the checks."""
    take = entry.take
    is_check = take.state == "exported" and entry.inspection is not None
    is_here = entry.is_active or take.placement.blend == blend_file.name()
    return take.state != "done" and not take.hidden and is_here and not is_check


_STATES = {
    "exported": TranslatableText("Not sent yet"),
    "cancelled": TranslatableText("Canceled"),
    "failed": TranslatableText("Failed"),
}


def _draw_entry(box: bpy.types.UILayout, context: bpy.types.Context, entry: take_manager.Entry) -> None:
    take, progress = entry.take, entry.progress
    row = box.row(align=True)
    draw_title(row, entry)
    if entry.is_active:
        if progress.waiting:
            row.operator_menu_enum("longanimation.prioritize", "priority", text="", icon="SORTSIZE").job = take.job
        row.operator("longanimation.cancel", text="", icon="X").job = take.job
        box.progress(factor=progress.fraction, text=_progress_text(progress))
    else:
        row.operator("longanimation.retry", text="", icon="FILE_REFRESH").job = take.job
        draw_menu(row, take, "LONGANIMATION_MT_unfinished_take")
    draw_sentence(box, context, take.summary)
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


CLASSES = (LONGANIMATION_MT_unfinished_take,)
