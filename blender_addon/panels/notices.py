# SPDX-License-Identifier: GPL-3.0-or-later
"""What the animator has to know, with buttons that help."""

import bpy

from .. import notices
from .words import draw_sentence

_REMEDIES = {
    "start_server": ("longanimation.start_server", "PLAY"),
    "token": ("longanimation.edit_server", "LOCKED"),
    "address": ("longanimation.edit_server", "URL"),
    "certificate": ("longanimation.edit_server", "URL"),
    "online": ("longanimation.allow_online", "INTERNET"),
    "update_addon": ("longanimation.update_addon", "IMPORT"),
}
"""The operator that helps, and its icon; a server is updated by whoever runs it."""


def draw_notices(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Draw what there is to know, each with a button that helps and one that dismisses it."""
    for index, notice in enumerate(notices.notices):
        box = layout.box()
        row = box.row()
        column = row.column()
        column.alert = not notice.good
        draw_sentence(column, context, notice.sentence, "CHECKMARK" if notice.good else "ERROR")
        row.operator("longanimation.dismiss_notice", text="", icon="X", emboss=False).index = index
        if notice.remedy in _REMEDIES:
            operator, icon = _REMEDIES[notice.remedy]
            box.operator(operator, icon=icon)
