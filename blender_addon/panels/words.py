# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences in a sidebar: Blender's labels do not wrap."""

import textwrap

import bpy

_LETTER = 7
"""Pixels of an average letter at the usual size of the interface."""


def draw_sentence(layout: bpy.types.UILayout, context: bpy.types.Context, sentence: str, icon: str = "NONE") -> None:
    """Draw a sentence in as many labels as the region's width asks for; the icon stands before the first."""
    scale = context.preferences.system.ui_scale
    letters = max(20, int((context.region.width / scale - 60) / _LETTER))
    column = layout.column(align=True)
    column.scale_y = 0.8
    for index, line in enumerate(textwrap.wrap(sentence, letters)):
        column.label(text=line, icon=icon if index == 0 else "BLANK1" if icon != "NONE" else "NONE", translate=False)
