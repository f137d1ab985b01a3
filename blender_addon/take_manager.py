# SPDX-License-Identifier: GPL-3.0-or-later
"""The known takes and those in progress: a timer polls their threads and updates the Sequencer.

All of it runs on Blender's main thread and takes at most a few milliseconds per tick. Takes that are in progress when
Blender is closed continue when it is opened again, because each take's record stores its state.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import bpy

from . import blend_file, compat, notices
from .checks.inspection import Inspection
from .internals import PLAYBACK
from .preferences import make_client
from .remote.messages import Arrived, Cancelled, Failed, Finished, Guessed, Message, Progress, Remark
from .remote.session import Session
from .sequencer import strips
from .shared.errors import ShotError
from .shared.translatable_text import TranslatableText
from .takes.library import Library
from .takes.take import Take, frame_name
from .widgets import redraw

_PERIOD = 0.1
"""Seconds between two polls."""
_REDRAW_PERIOD = 0.5
"""Least seconds between two redraws of the panels."""

presets: dict[str, str] = {}
"""The presets that the server offered when it was last asked, with the licenses of their weights."""


@dataclass
class Entry:
    """A take, the session that processes it, and the last messages of that session.

    arrived: frames that have arrived and are not in the strips yet. latest: the frame that arrived last. inspection:
    the checks of its drawings and keyframes. remarks: the server's remarks about the result, and what prevented its
    strips. remedy: what would help if it failed, as in errors.ServerError.
    """

    take: Take
    session: Session | None = None
    progress: Progress = field(default_factory=lambda: Progress(0.0, ""))
    arrived: list[int] = field(default_factory=list)
    latest: int | None = None
    inspection: Inspection | None = None
    remarks: list[str] = field(default_factory=list)
    remedy: str = ""

    @property
    def is_active(self) -> bool:
        """Whether the take is in progress."""
        return self.take.state == "sent"

    @property
    def shown(self) -> tuple[Any, ...]:
        """What the panels show of it while it is in progress: two equal values need no redraw."""
        progress, inspection = self.progress, self.inspection
        eta = None if progress.eta is None else round(progress.eta)
        shown = self.take.state, self.latest, len(self.remarks)
        running = round(100 * progress.fraction), progress.text, progress.trouble, progress.waiting, eta
        checked = inspection and (inspection.is_running, inspection.done, inspection.problem, len(inspection.findings))
        return *shown, *running, checked

    @property
    def needs_strips(self) -> bool:
        """Whether the Sequencer does not show the take's newest state yet."""
        return bool(self.arrived) or (self.take.placed and self.take.state in ("failed", "cancelled"))


entries: dict[str, Entry] = {}
"""All known takes, by the id of their job, oldest first."""

exporting: Progress | None = None
"""The progress of the shot that is being exported."""
_shown: list[Any] = []
"""What the panels showed when they were last redrawn."""
_redraw_time = 0.0
"""When they were, in seconds of the monotonic clock."""


def show_export(progress: Progress | None) -> None:
    """Show the progress of an export, None at its end. Strips do not change during it: the undo step would store the
    scene as it is set up for rendering."""
    global exporting
    exporting = progress
    if _redraw_late():
        start_polling()


def has_threads() -> bool:
    """Tell whether threads of takes are running."""
    return any(
        entry.session is not None or (entry.inspection is not None and entry.inspection.is_running)
        for entry in entries.values()
    )


def in_view(context: bpy.types.Context) -> list[Entry]:
    """The takes of the open file whose strips belong to the window's or the Sequencer's scene, or whose scene is gone,
    newest first."""
    scenes = context.scene, compat.sequencer_scene(context)
    here = [entry for entry in entries.values() if entry.take.placement.blend == blend_file.name()]
    return [entry for entry in here if bpy.data.scenes.get(entry.take.placement.scene, scenes[0]) in scenes][::-1]


def finished() -> list[Take]:
    """The finished takes of the open file that are not hidden, oldest first."""
    takes = [entry.take for entry in entries.values() if entry.take.placement.blend == blend_file.name()]
    return [take for take in takes if take.state == "done" and not take.hidden]


def shown_frame(context: bpy.types.Context) -> tuple[Take, int]:
    """The take that the Sequencer shows at the playhead, and the shot's frame there. Raises ShotError if there is
    none, or it has not arrived."""
    scene = compat.timeline(context)
    job = strips.job_at(scene, scene.frame_current)
    if job not in entries:
        raise ShotError(
            TranslatableText(
                "No take is shown at frame {frame}: go to a colored frame, or show a take with its eye button.",
                frame=scene.frame_current,
            )
        )
    take = entries[job].take
    frame = scene.frame_current + take.manifest.frame_start - take.placement.start
    if not (take.colored / frame_name(frame)).is_file():
        raise ShotError(
            TranslatableText(
                "Frame {frame} of {take} has not arrived yet: wait until it is colored.", frame=frame, take=take.title
            )
        )
    return take, frame


def submit(take: Take) -> Entry:
    """Send a take, and register it so that it is still known after Blender is closed. Raises ColorError."""
    entry = entries.setdefault(take.job, Entry(take))
    if entry.session is not None:
        return entry
    client = make_client(take.server)
    retry = take.state in ("failed", "cancelled")
    entry.take = take.changed(state="sent", problem="")
    entry.progress, entry.remedy = Progress(0.0, TranslatableText("Contacting the server")), ""
    entry.session = Session(client, entry.take, retry)
    library().add(entry.take)
    hide_findings(job for job, one in entries.items() if one.take.shot == take.shot)
    entry.session.start()
    start_polling()
    return entry


def register(take: Take) -> None:
    """Add a take without sending it."""
    entries[take.job] = Entry(take, arrived=take.arrived() if take.state == "done" else [])
    library().add(take)
    start_polling()


def discard(job: str) -> None:
    """Remove a take that was never sent, with its folder."""
    entry = entries.pop(job)
    if entry.inspection is not None:
        entry.inspection.stop()
    hide_findings([job])
    library().remove(job)
    shutil.rmtree(entry.take.folder, ignore_errors=True)


def hide_findings(jobs: Iterable[str]) -> None:
    """Remove the strips that show the findings about takes: those were sent, hidden, or are gone."""
    gone = set(jobs)
    for scene in bpy.data.scenes:
        for job in gone & strips.overlaid(scene):
            strips.remove(scene, job, strips.OVERLAY)


def hide_lost_findings() -> None:
    """Remove the strips that show the findings about takes that are not known any more."""
    shown = {job for scene in bpy.data.scenes for job in strips.overlaid(scene)}
    hide_findings(shown - entries.keys())


def inspect(job: str) -> Inspection:
    """Start to inspect a take's drawings and keyframes in a thread."""
    inspection = entries[job].inspection = Inspection(entries[job].take)
    inspection.start()
    start_polling()
    return inspection


def cancel(job: str) -> None:
    """Cancel a take in progress, also on the server."""
    entry = entries[job]
    if entry.session is not None:
        entry.session.cancel()
        entry.progress = replace(entry.progress, text=TranslatableText("Canceling"), trouble="")


def update(job: str, **changes: Any) -> None:
    """Change a take's record, such as its note."""
    _update(entries[job], **changes)


def wait(jobs: list[str]) -> Iterator[Entry]:
    """Poll until these takes have ended, where timers do not run; yield an entry each time that it changes."""
    reported: dict[str, Progress] = {}
    while any(entries[job].is_active or _can_place_strips(entries[job]) for job in jobs):
        time.sleep(_PERIOD)
        poll()
        for job in jobs:
            if reported.get(job) != entries[job].progress:
                reported[job] = entries[job].progress
                yield entries[job]


def poll() -> float | None:
    """Read the threads' messages, for Blender's timer; returns the seconds until the next poll, or None to stop."""
    for entry in entries.values():
        for message in entry.session.messages() if entry.session else ():
            _apply(entry, message)
    waiting = [entry for entry in entries.values() if _can_place_strips(entry)]
    if waiting and not _is_busy():
        _place_strips(waiting[0])  # one per tick
    inspecting = any(entry.inspection is not None and entry.inspection.is_running for entry in entries.values())
    is_late = _redraw_late()
    in_progress = inspecting or any(entry.is_active for entry in entries.values())
    return _PERIOD if waiting or is_late or in_progress else None


def _redraw_late() -> bool:
    """Redraw the panels if they show something old, unless they were redrawn just now; then return True."""
    global _shown, _redraw_time
    shown = [exporting, *notices.notices, *(entry.shown for entry in entries.values())]
    if shown == _shown:
        return False
    if time.monotonic() < _redraw_time + _REDRAW_PERIOD:
        return True
    redraw()
    _shown, _redraw_time = shown, time.monotonic()
    return False


def _can_place_strips(entry: Entry) -> bool:
    return entry.needs_strips and blend_file.shows(entry.take)


def _apply(entry: Entry, message: Message) -> None:
    """Update an entry with one message of its session."""
    if isinstance(message, Progress):
        if message.remedy and message.trouble != entry.progress.trouble:
            notices.show(message.trouble, message.remedy, subject=notices.CONNECTION)
        elif message.fraction > 0 and not message.remedy:
            notices.settle(notices.CONNECTION)
        entry.progress = message
    elif isinstance(message, Remark):
        if message.sentence not in entry.remarks:  # a job that is tried again repeats it
            entry.remarks.append(message.sentence)
    elif isinstance(message, Guessed):
        _update(entry, guesses=tuple(message.shares.items()))
    elif isinstance(message, Arrived):
        entry.arrived.extend(message.frames)
        entry.latest = message.frames[0]
    else:
        entry.session = None
        if isinstance(message, Finished):
            _update(entry, state="done")
            entry.arrived = entry.take.arrived()
        elif isinstance(message, Failed):
            entry.remedy = message.remedy
            _update(entry, state="failed", problem=message.sentence)
        elif isinstance(message, Cancelled):
            _update(entry, state="cancelled")


def _update(entry: Entry, **changes: Any) -> None:
    """Change a take, even if its folder cannot be written to."""
    try:
        entry.take = entry.take.changed(**changes)
        notices.settle(str(entry.take.folder))
    except OSError as error:
        entry.take = replace(entry.take, **changes)
        notices.show(
            TranslatableText(
                "{folder} cannot be written to ({reason}): free up space, or mount it again.",
                folder=entry.take.folder,
                reason=error.strerror,
            ),
            subject=str(entry.take.folder),
        )


def _place_strips(entry: Entry) -> None:
    """Update the strips of a take.

    Its first frames come with new strips, as a step that can be undone. If the animator has removed the strips, they
    are not added again. The incomplete strips of a failed or cancelled take are removed.
    """
    scene = bpy.data.scenes[entry.take.placement.scene]
    frames, entry.arrived = entry.arrived, []
    if entry.take.state in ("failed", "cancelled"):
        strips.remove(scene, entry.take.job)
        _update(entry, placed=False)
        return
    if entry.take.placed:
        strips.refresh(scene, entry.take, frames)
        return
    try:
        bpy.ops.longanimation.place_take("EXEC_DEFAULT", True, job=entry.take.job)
    except RuntimeError as error:
        entry.remarks.append(str(error).strip())


def _is_busy() -> bool:
    """Tell whether strips must not change now, because Blender renders or the animator uses a tool."""
    windows = bpy.context.window_manager.windows
    return (
        exporting is not None
        or bpy.app.is_job_running("RENDER")
        or any(operator.bl_idname not in _LASTING for window in windows for operator in window.modal_operators)
    )


_LASTING = {PLAYBACK, "LONGANIMATION_OT_make_fills", "LONGANIMATION_OT_fill_drawing"}
"""Modal operators that run for long and allow strips to change."""


def library() -> Library:
    """The takes that were made on this computer."""
    return Library(Path(bpy.utils.extension_path_user(__package__, path="library", create=True)))


def start_polling() -> None:
    """Poll the threads from now on, until nothing is in progress."""
    if not bpy.app.background and not bpy.app.timers.is_registered(poll):
        bpy.app.timers.register(poll, first_interval=_PERIOD, persistent=True)


def detach() -> None:
    """Stop following the takes in progress; their jobs continue. Enabling the extension follows them again."""
    for entry in entries.values():
        if entry.session is not None:
            entry.session.detach()
    entries.clear()
    if bpy.app.timers.is_registered(poll):
        bpy.app.timers.unregister(poll)
