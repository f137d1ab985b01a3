# SPDX-License-Identifier: GPL-3.0-or-later
"""The findings about the shot."""

import bpy

from .. import take_manager
from ..translations import translated
from ..widgets import draw_sentence

_ICONS = {"error": "CANCEL", "warning": "ERROR", "note": "INFO"}
_NUMBERS = 0.2
"""Share of the width for the frame numbers."""

_MOST = 30
"""The most findings that are listed; a longer list would not help."""


class Checks:
    """The findings about the shot, each with a button that jumps to its frame."""

    bl_label = "Checks"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self: bpy.types.Panel, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout = self.layout
        column = layout.column(align=True)
        column.operator("longanimation.check_shot", icon="VIEWZOOM")
        column.operator("longanimation.preview_shot", icon="SHADERFX")
        checked = [
            (entry.take, entry.inspection)
            for entry in take_manager.in_view(context)
            if entry.inspection is not None and not entry.take.hidden
        ]
        if not checked:
            return
        take, inspection = checked[0]
        if inspection.is_running:
            layout.progress(factor=inspection.done / inspection.total, text=translated("Checking"))
        elif inspection.problem:
            draw_sentence(layout, context, inspection.problem, "ERROR")
        elif not inspection.findings:
            layout.label(text="Nothing was found", icon="CHECKMARK")
        for finding in inspection.findings[:_MOST]:
            row = layout.split(factor=_NUMBERS)
            jump = row.operator("longanimation.jump_to_frame", text=str(finding.frame))
            jump.job, jump.frame = take.job, finding.frame
            column = row.column()
            draw_sentence(column, context, finding.sentence, _ICONS[finding.severity], share=1 - _NUMBERS)
            if finding.fits:
                fit = column.operator("longanimation.fit_keyframe")
                fit.job, fit.frame = take.job, finding.frame
        if any(finding.pictured for finding in inspection.findings):
            layout.operator("longanimation.show_overlay", icon="OVERLAY").job = take.job
        if take.state == "exported":
            layout.operator("longanimation.retry", text="Send", icon="EXPORT").job = take.job
