# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences, which Blender's labels do not wrap, and notices with buttons that help."""

import textwrap
import unicodedata

import bpy

from . import notices
from .translations import translated

_LETTER = 7
"""Pixels of an average letter at the usual size of the interface."""

_REMEDIES = {
    "start_server": ("longanimation.start_server", "PLAY"),
    "token": ("longanimation.edit_server", "LOCKED"),
    "address": ("longanimation.edit_server", "URL"),
    "certificate": ("longanimation.edit_server", "URL"),
    "online": ("longanimation.allow_online", "INTERNET"),
    "update_addon": ("longanimation.update_addon", "IMPORT"),
}
"""The operator that helps, and its icon; a server is updated by whoever runs it."""


def draw_sentence(layout: bpy.types.UILayout, context: bpy.types.Context, sentence: str, icon: str = "NONE") -> None:
    """Draw a sentence in as many labels as the region's width asks for; the icon stands before the first."""
    scale = context.preferences.system.ui_scale
    wide = any(unicodedata.east_asian_width(letter) in "WF" for letter in sentence)
    letters = max(12, int((context.region.width / scale - 60) / (2 * _LETTER if wide else _LETTER)))
    column = layout.column(align=True)
    column.scale_y = 0.8
    for index, line in enumerate(textwrap.wrap(sentence, letters)):
        column.label(text=line, icon=icon if index == 0 else "BLANK1" if icon != "NONE" else "NONE", translate=False)


def draw_notices(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Draw what there is to know, each with a button that helps and one that dismisses it."""
    for index, notice in enumerate(notices.notices):
        box = layout.box()
        row = box.row()
        column = row.column()
        column.alert = not notice.good
        draw_sentence(column, context, translated(notice.sentence), "CHECKMARK" if notice.good else "ERROR")
        row.operator("longanimation.dismiss_notice", text="", icon="X", emboss=False).index = index
        if notice.remedy in _REMEDIES:
            operator, icon = _REMEDIES[notice.remedy]
            box.operator(operator, icon=icon)
