# SPDX-License-Identifier: GPL-3.0-or-later
"""The finished takes of the scene."""

import bpy

from .. import take_manager
from ..sequencer.strips import Half, halves, strips_of_take
from ..shared.translatable_text import TranslatableText
from ..takes.take import Take
from ..translations import translated
from ..widgets import draw_grid, draw_sentence
from .thumbnails import icon_of

_MOST_GUESSES = 6
"""The most guessed frames that are listed per take."""

_HALVES = {"left": "TRIA_LEFT", "right": "TRIA_RIGHT"}


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
            regions = column.row(align=True)
            regions.operator_context = "INVOKE_DEFAULT"
            regions.operator("longanimation.repaint_region", icon="EYEDROPPER")
            regions.operator("longanimation.repaint_region", text="From Here On").onward = True
            column.operator("longanimation.show_regions", icon="UV_DATA")
            column.operator("longanimation.fill_drawing", icon="OUTLINER_DATA_GREASEPENCIL")
        shown = {name: halves(bpy.data.scenes[name]) for name in {*_timelines(done)} & {*bpy.data.scenes.keys()}}
        for entry in done:
            if shot.show_hidden_takes or not entry.take.hidden:
                half = shown.get(entry.take.placement.scene, {}).get(entry.take.job)
                _draw_take(layout.box(), context, entry, half)
        if not done:
            draw_sentence(layout, context, TranslatableText("Finished takes appear here"))
        if any(entry.take.hidden for entry in done):
            layout.prop(shot, "show_hidden_takes")
        layout.operator("longanimation.open_take", icon="FILE_FOLDER")


class LONGANIMATION_MT_finished_take(bpy.types.Menu):
    """What is rarely done with a finished take"""

    bl_label = "Take"

    def draw(self, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout, job = self.layout, context.longanimation_job
        layout.operator_context = "INVOKE_DEFAULT"
        for name, icon in (
            ("note_take", "GREASEPENCIL"),
            ("read_palette", "COLOR"),
            ("use_settings", "COPYDOWN"),
            ("open_folder", "FILE_FOLDER"),
            ("write_sheet", "SPREADSHEET"),
        ):
            layout.operator(f"longanimation.{name}", icon=icon).job = job
        layout.separator()
        fills_icon = "OUTLINER_DATA_GREASEPENCIL"
        together = layout.operator("longanimation.make_fills", icon=fills_icon)
        apart = layout.operator("longanimation.make_fills", text="Make Fills by Objects", icon=fills_icon)
        together.job = apart.job = job
        together.by, apart.by = "picture", "objects"
        by_objects = layout.operator("longanimation.part_take", text="Part by Objects", icon="OUTLINER_OB_GREASEPENCIL")
        by_layers = layout.operator("longanimation.part_take", text="Part by Layers", icon="RENDERLAYERS")
        by_objects.job = by_layers.job = job
        by_objects.by, by_layers.by = "objects", "layers"
        layout.separator()
        if job in take_manager.entries and take_manager.entries[job].take.hidden:
            layout.operator("longanimation.hide_take", text="Show in List", icon="HIDE_OFF").job = job
        else:
            layout.operator("longanimation.hide_take", icon="HIDE_ON").job = job


def draw_title(row: bpy.types.UILayout, entry: take_manager.Entry) -> None:
    """Draw a take's picture, its number, and the name of its shot, which may be cut off."""
    title = TranslatableText("Take {number} · {shot}", number=entry.take.number, shot=entry.take.manifest.name)
    row.label(text=translated(title), icon_value=icon_of(entry), translate=False)


def draw_menu(row: bpy.types.UILayout, take: Take, menu: str) -> None:
    """Draw the button that opens a menu about a take."""
    row = row.row(align=True)
    row.context_string_set("longanimation_job", take.job)
    row.menu(menu, text="", icon="DOWNARROW_HLT")


def _timelines(entries: list[take_manager.Entry]) -> list[str]:
    return [entry.take.placement.scene for entry in entries]


def _draw_guesses(box: bpy.types.UILayout, context: bpy.types.Context, take: Take) -> None:
    """List the frames with the largest guessed shares, each with a button that jumps to it."""
    draw_sentence(box, context, TranslatableText("Partly guessed: a keyframe there helps"), "QUESTION")
    worst = sorted(sorted(take.guesses, key=lambda guess: -guess[1])[:_MOST_GUESSES])
    names = [f"{frame}: {100 * share:.1f} %" for frame, share in worst]
    grid = draw_grid(box, context, names)
    for name, (frame, _) in zip(names, worst, strict=True):
        jump = grid.operator("longanimation.jump_to_frame", text=name, translate=False)
        jump.job, jump.frame = take.job, frame


def _draw_take(
    box: bpy.types.UILayout, context: bpy.types.Context, entry: take_manager.Entry, half: Half | None
) -> None:
    """half: what of the take the Sequencer shows."""
    take = entry.take
    row = box.row(align=True)
    draw_title(row, entry)
    is_compared = half in _HALVES
    show = row.operator(
        "longanimation.show_take", text="", icon="HIDE_OFF" if half else "HIDE_ON", depress=half is not None
    )
    compare = row.operator(
        "longanimation.compare_takes", text="", icon=_HALVES.get(half or "", "MOD_MIRROR"), depress=is_compared
    )
    show.job = compare.job = take.job
    draw_menu(row, take, "LONGANIMATION_MT_finished_take")
    draw_sentence(box, context, take.summary)
    timeline = bpy.data.scenes.get(take.placement.scene)
    if timeline is None or not any(strips_of_take(timeline, take.job)):
        box.operator("longanimation.place_take", icon="SEQ_SEQUENCER").job = take.job
    elif getattr(context.workspace, "sequencer_scene", timeline) != timeline:
        box.operator("longanimation.show_timeline", icon="SEQ_SEQUENCER").job = take.job
    if take.guesses:
        _draw_guesses(box, context, take)
    for sentence in (take.note, *entry.remarks):
        if sentence:
            draw_sentence(box, context, sentence, "INFO")


CLASSES = (LONGANIMATION_MT_finished_take,)
