# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of the takes when a file is opened or saved, or a step undone (Blender API, bpy.app.handlers)."""

from __future__ import annotations

from dataclasses import replace

import bpy

from . import blend, compat, monitor
from .errors import ColorError
from .preferences import output_folder
from .remote.session import Progress
from .sentence import Sentence

_saved_from = ""
"""What the file that is being saved was called before."""


def resume() -> None:
    """Find the takes of earlier, and go on with those that were under way when Blender was closed."""
    here = blend.takes()
    for scene, _ in here.values():
        compat.show_in_sequencer(scene)
    for take in monitor.library().takes(output_folder(), [folder for _, folder in here.values()]):
        monitor.entries.setdefault(take.job, monitor.Entry(take))
    for entry in monitor.entries.values():
        placement = entry.take.placement
        if entry.take.job in here:  # also in a copy of the file, or where the scene has another name now
            placement = replace(placement, blend=blend.name(), scene=here[entry.take.job][0].name)
        elif blend.came_along(entry.take):
            placement = replace(placement, blend=blend.name())
        entry.take = replace(entry.take, placement=placement)
        if blend.shows(entry.take):
            entry.arrived = entry.take.arrived()  # the file may be older than the frames
            if entry.is_active:  # or it was not saved with the strips
                entry.take = replace(entry.take, placed=entry.take.job in here)
        if entry.is_active and entry.session is None:
            try:
                monitor.submit(entry.take)
            except ColorError as error:
                entry.progress = Progress(0.0, Sentence("Not followed"), trouble=str(error))


@bpy.app.handlers.persistent
def _on_load(*_: object) -> None:
    """A file was opened: find its takes, and go on with what was under way."""
    blend.opened()
    if not bpy.app.background:
        resume()


@bpy.app.handlers.persistent
def _before_save(*_: object) -> None:
    """Keep in mind what the open file is called."""
    global _saved_from
    _saved_from = blend.name()


@bpy.app.handlers.persistent
def _on_save(*_: object) -> None:
    """The open file has a path, perhaps a new one: its takes follow."""
    for job, entry in monitor.entries.items():
        placement = entry.take.placement
        if placement.blend == _saved_from != blend.name():
            monitor.change(job, placement=replace(placement, blend=blend.name()))


@bpy.app.handlers.persistent
def _on_undo(*_: object) -> None:
    """The strips are as they were at some step: show what came since, and let no half strip come back."""
    here = blend.takes()
    for job, entry in monitor.entries.items():
        if blend.shows(entry.take) and entry.take.state in ("failed", "cancelled"):
            entry.take = replace(entry.take, placed=job in here)
        elif job in here and entry.latest is not None:
            entry.arrived = entry.take.arrived()
    monitor.wake()


_HANDLERS = {
    "load_post": _on_load,
    "save_pre": _before_save,
    "save_post": _on_save,
    "undo_post": _on_undo,
    "redo_post": _on_undo,
}


def register() -> None:
    """Find the takes of earlier, and go on with them."""
    for name, handler in _HANDLERS.items():
        getattr(bpy.app.handlers, name).append(handler)
    if not bpy.app.background:
        bpy.app.timers.register(_on_load, first_interval=0.1)  # at registration Blender's data cannot be read


def unregister() -> None:
    """Leave the takes under way alone."""
    for name, handler in _HANDLERS.items():
        getattr(bpy.app.handlers, name).remove(handler)
    if bpy.app.timers.is_registered(_on_load):
        bpy.app.timers.unregister(_on_load)
    monitor.leave()
