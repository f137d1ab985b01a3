# SPDX-License-Identifier: GPL-3.0-or-later
"""The takes that are under way, for Blender's window: a timer reads their messages and places finished strips."""

from __future__ import annotations

from dataclasses import dataclass, field

import bpy

from .remote.session import Cancelled, Failed, Finished, Message, Progress, Session

_PERIOD = 0.25
"""Seconds between two looks at the messages."""

presets: list[str] = []
"""Names of the presets that the server offered when it was last asked."""


@dataclass
class Running:
    """A session, the scene its strips go to, and what it said last."""

    session: Session
    scene: str
    latest: Message = field(default_factory=lambda: Progress(0.0, "Starting"))


takes: list[Running] = []
"""Takes under way, and failed ones until they are dismissed."""

_exporting = False


def hold(exporting: bool) -> None:
    """While a shot is exported place no strips: the undo step would keep the scene as it is set up for rendering."""
    global _exporting
    _exporting = exporting


def follow(session: Session, scene: bpy.types.Scene) -> None:
    """Start a session and watch it; its strips are placed in `scene`."""
    takes.append(Running(session, scene.name))
    session.start()
    if not bpy.app.timers.is_registered(_look):
        bpy.app.timers.register(_look, first_interval=_PERIOD, persistent=True)


def dismiss(job: str) -> None:
    """Cancel the take with this job id, or drop its error message."""
    for running in takes[:]:
        if running.session.take.job == job:
            if isinstance(running.latest, Failed):
                takes.remove(running)
            else:
                running.session.cancel()


def register() -> None:
    """Nothing to do yet: the timer starts with the first take."""


def unregister() -> None:
    """Forget the takes under way, as the extension is disabled; their jobs go on and can be fetched later."""
    takes.clear()
    if bpy.app.timers.is_registered(_look):
        bpy.app.timers.unregister(_look)


def _look() -> float | None:
    """Called by Blender's timer on the main thread."""
    if _exporting:
        return _PERIOD
    for running in takes[:]:
        for message in running.session.news():
            running.latest = message
            if isinstance(message, Finished):
                running.latest = _place(running)
        if isinstance(running.latest, (Finished, Cancelled)):
            takes.remove(running)
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in {"VIEW_3D", "SEQUENCE_EDITOR"}:
                area.tag_redraw()
    return _PERIOD if any(isinstance(running.latest, Progress) for running in takes) else None


def _place(running: Running) -> Message:
    """Place the strips of a finished take, as an operator so that it can be undone."""
    folder = running.session.take.folder
    scene = bpy.data.scenes.get(running.scene)
    if scene is None:
        return Failed(f"The scene {running.scene!r} is gone: open its file and choose Place Strips for {folder}.")
    try:
        with bpy.context.temp_override(window=bpy.context.window_manager.windows[0], scene=scene):
            bpy.ops.longanimation.place_strips("EXEC_DEFAULT", True, directory=str(folder))
    except RuntimeError as error:
        return Failed(str(error).strip())
    return Finished(running.session.take)
