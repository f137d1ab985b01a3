# SPDX-License-Identifier: GPL-3.0-or-later
"""The findings about the shot."""

import bpy

from .. import take_manager
from ..checks.groups import Group, grouped
from ..shared.translatable_text import TranslatableText
from ..takes.take import Take
from ..translations import translated
from ..widgets import draw_grid, draw_sentence

_ICONS = {"error": "CANCEL", "warning": "ERROR", "note": "INFO"}

_MOST = 12
"""The most ranges that are listed for a finding; the arrows go to all."""


class Checks:
    """The findings about the shot, each with buttons that jump to its frames."""

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
        groups = grouped(inspection.findings)
        if inspection.is_running:
            layout.progress(factor=inspection.done / inspection.total, text=translated("Checking"))
        elif inspection.problem:
            draw_sentence(layout, context, inspection.problem, "ERROR")
        elif not groups:
            layout.label(text="Nothing was found", icon="CHECKMARK")
        if groups:
            _draw_tools(layout, take, any(finding.pictured for finding in inspection.findings))
        for group in groups:
            _draw_group(layout.box(), context, take, group)
        if take.state == "exported":
            row = layout.row(align=True)
            row.operator("longanimation.retry", text="Send", icon="EXPORT").job = take.job
            row.operator("longanimation.hide_take", text="", icon="HIDE_ON").job = take.job


def _draw_tools(layout: bpy.types.UILayout, take: Take, is_pictured: bool) -> None:
    """The arrows that go from finding to finding, and the button that shows them in the Sequencer."""
    row = layout.row(align=True)
    for forward, icon in ((False, "PREV_KEYFRAME"), (True, "NEXT_KEYFRAME")):
        step = row.operator("longanimation.step_to_finding", text="", icon=icon)
        step.job, step.forward = take.job, forward
    if is_pictured:
        row.operator("longanimation.show_overlay", icon="OVERLAY").job = take.job


def _draw_group(box: bpy.types.UILayout, context: bpy.types.Context, take: Take, group: Group) -> None:
    """A finding, once, with a button for each range of frames that it is about."""
    draw_sentence(box, context, group.sentence, _ICONS[group.severity])
    names = group.names[:_MOST]
    if len(names) == 1:
        names = [translated(TranslatableText("Frames {frames}", frames=names[0]))]
    grid = draw_grid(box, context, names)
    for name, (first, _) in zip(names, group.runs, strict=False):
        jump = grid.operator("longanimation.jump_to_frame", text=name, translate=False)
        jump.job, jump.frame = take.job, first
    if len(group.runs) > _MOST:
        more = TranslatableText("and {count} more", count=len(group.runs) - _MOST)
        box.label(text=translated(more), translate=False)
    if group.fits:
        fit = box.operator("longanimation.fit_keyframe")
        fit.job, fit.frame = take.job, group.runs[0][0]
