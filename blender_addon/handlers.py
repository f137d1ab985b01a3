# SPDX-License-Identifier: GPL-3.0-or-later
"""Updates the takes when a file is opened or saved, or a step is undone (Blender API, bpy.app.handlers)."""

from __future__ import annotations

from dataclasses import replace

import bpy

from . import blend_file, compat, notices, take_manager
from .preferences import output_folder
from .remote.messages import Progress
from .shared.errors import ColorError
from .shared.translatable_text import TranslatableText

_saved_from = ""
"""The previous name of the file that is being saved."""


def restore_takes() -> None:
    """Find earlier takes, and follow those that were in progress when Blender was closed."""
    here = blend_file.takes()
    for scene, _ in here.values():
        compat.show_in_sequencer(scene)
    for take in take_manager.library().takes(output_folder(), [folder for _, folder in here.values()]):
        take_manager.entries.setdefault(take.job, take_manager.Entry(take))
    take_manager.hide_lost_findings()
    for entry in take_manager.entries.values():
        placement = entry.take.placement
        if entry.take.job in here:  # also in a copy of the file, or if the scene was renamed
            placement = replace(placement, blend=blend_file.name(), scene=here[entry.take.job][0].name)
        elif blend_file.was_moved_with_file(entry.take):
            placement = replace(placement, blend=blend_file.name())
        entry.take = replace(entry.take, placement=placement)
        if blend_file.shows(entry.take):
            entry.arrived = entry.take.arrived()  # the file may be older than the frames
            if entry.is_active:  # or it was not saved with the strips
                entry.take = replace(entry.take, placed=entry.take.job in here)
        if entry.is_active and entry.session is None:
            try:
                take_manager.submit(entry.take)
            except ColorError as error:
                entry.progress = Progress(0.0, TranslatableText("Not followed"), trouble=str(error))
                notices.show_error(error)


@bpy.app.handlers.persistent
def _on_load(*_: object) -> None:
    """Find the takes of a file that was opened, and continue those in progress."""
    blend_file.reset()
    if not bpy.app.background:
        restore_takes()


@bpy.app.handlers.persistent
def _before_save(*_: object) -> None:
    """Remember the open file's name."""
    global _saved_from
    _saved_from = blend_file.name()


@bpy.app.handlers.persistent
def _on_save(*_: object) -> None:
    """Update the takes of the open file, whose path may be new."""
    for job, entry in take_manager.entries.items():
        placement = entry.take.placement
        if placement.blend == _saved_from != blend_file.name():
            take_manager.update(job, placement=replace(placement, blend=blend_file.name()))


@bpy.app.handlers.persistent
def _on_undo(*_: object) -> None:
    """Update the strips after an undo: show frames that arrived since, and remove incomplete strips that came back,
    and findings about takes that are gone."""
    here = blend_file.takes()
    take_manager.hide_lost_findings()
    for job, entry in take_manager.entries.items():
        if blend_file.shows(entry.take) and entry.take.state in ("failed", "cancelled"):
            entry.take = replace(entry.take, placed=job in here)
        elif job in here and entry.latest is not None:
            entry.arrived = entry.take.arrived()
    take_manager.start_polling()


_HANDLERS = {
    "load_post": _on_load,
    "save_pre": _before_save,
    "save_post": _on_save,
    "undo_post": _on_undo,
    "redo_post": _on_undo,
}


def register() -> None:
    """Find earlier takes, and follow those in progress."""
    for name, handler in _HANDLERS.items():
        getattr(bpy.app.handlers, name).append(handler)
    if not bpy.app.background:
        bpy.app.timers.register(_on_load, first_interval=0.1)  # at registration Blender's data cannot be read


def unregister() -> None:
    """Stop following takes."""
    for name, handler in _HANDLERS.items():
        getattr(bpy.app.handlers, name).remove(handler)
    if bpy.app.timers.is_registered(_on_load):
        bpy.app.timers.unregister(_on_load)
    take_manager.detach()
