# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that wrap, which Blender's labels do not, and notices with buttons that help."""

import re
from collections.abc import Iterable, Iterator

import blf
import bpy

from . import notices
from .translations import translated

_BESIDE = 85
"""Pixels of a region's width, at the interface's default scale, that a sentence in a box cannot use: borders, the icon
and the tabs."""

_AROUND = 14
"""Pixels of a button's width, at the interface's default scale, that its text cannot use."""

_PARTS = re.compile(r"[^\s\u2e80-\uffff]+\s*|[\u2e80-\uffff][\u3000-\u3002\uff01-\uff1f]*|\s+")
"""The parts after which a line may end: a word, or a character of a script without spaces and its punctuation."""

TAB = "LongAnimation"
"""The tab of the sidebars that has our panels."""

_EDITORS = {"VIEW_3D", "SEQUENCE_EDITOR", "IMAGE_EDITOR"}
"""The editors that show our panels."""

_SETTINGS = ("longanimation.edit_server", "URL")
_TEST = ("longanimation.test_connection", "FILE_REFRESH")

REMEDIES = {
    "start_server": (("longanimation.start_server", "PLAY"), _SETTINGS, _TEST),
    "home": (("longanimation.edit_server", "FILE_FOLDER"),),
    "address": (_SETTINGS, _TEST),
    "certificate": (_SETTINGS, _TEST),
    "token": (("longanimation.edit_server", "LOCKED"), _TEST),
    "online": (("longanimation.allow_online", "INTERNET"), _SETTINGS),
    "update_addon": (("longanimation.update_addon", "IMPORT"), _TEST),
    "update_server": (_SETTINGS, _TEST),
    "worker": (_TEST,),
}
"""For each trouble, the operators that help, and their icons. Only the person who runs a server can update it or start
its workers: then another server can be chosen, or the same one tested again."""


def draw_sentence(
    layout: bpy.types.UILayout, context: bpy.types.Context, sentence: str, icon: str = "NONE", share: float = 1.0
) -> None:
    """Draw a sentence in the animator's language, in as many labels as the region's width requires.

    The icon is before the first. share: share of the region's width, if other items are in the same row.
    """
    scale = context.preferences.system.ui_scale
    column = layout.column(align=True)
    column.scale_y = 0.8
    blf.size(0, context.preferences.ui_styles[0].widget.points * scale)
    width = share * context.region.width - _BESIDE * scale
    for index, line in enumerate(_lines(translated(sentence), width)):
        column.label(text=line, icon=icon if index == 0 else "BLANK1" if icon != "NONE" else "NONE", translate=False)


def _lines(text: str, width: float) -> Iterator[str]:
    """Break a text into lines that are no wider than `width` pixels in the interface's font, unless a part is."""
    line = ""
    for part in _PARTS.findall(text):
        if line and blf.dimensions(0, (line + part).rstrip())[0] > width:
            yield line.rstrip()
            line = ""
        line += part
    yield line.rstrip()


def draw_grid(layout: bpy.types.UILayout, context: bpy.types.Context, texts: Iterable[str]) -> bpy.types.UILayout:
    """A grid for buttons with these texts, with as many columns as the region's width has room for."""
    scale = context.preferences.system.ui_scale
    blf.size(0, context.preferences.ui_styles[0].widget.points * scale)
    widest = max((blf.dimensions(0, text)[0] for text in texts), default=0.0) + _AROUND * scale
    columns = max(1, int((context.region.width - _BESIDE * scale) // widest))
    return layout.grid_flow(row_major=True, columns=columns, even_columns=True, align=True)


def draw_notices(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Draw the notices, each with buttons that help and one that dismisses it."""
    for index, notice in enumerate(notices.notices):
        box = layout.box()
        row = box.row()
        column = row.column()
        column.alert = not notice.good
        draw_sentence(column, context, notice.sentence, "CHECKMARK" if notice.good else "ERROR", share=0.9)
        row.operator("longanimation.dismiss_notice", text="", icon="X", emboss=False).index = index
        draw_remedy(box, notice.remedy)


def draw_remedy(layout: bpy.types.UILayout, remedy: str) -> None:
    """Draw the buttons that help, if there are any for this remedy."""
    column = layout.column(align=True)
    for operator, icon in REMEDIES.get(remedy, ()):
        column.operator(operator, icon=icon)


def redraw() -> None:
    """Redraw the sidebars with our panels, and not the editors beside them: a 3D viewport may take a second. Redraw
    Blender's preferences, too, where the connection is tested."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            shown_in = "WINDOW" if area.type == "PREFERENCES" else "UI" if area.type in _EDITORS else None
            for region in area.regions:
                if region.type == shown_in:
                    region.tag_redraw()
