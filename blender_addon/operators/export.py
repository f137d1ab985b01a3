# SPDX-License-Identifier: GPL-3.0-or-later
"""Base of operators that send shots: they export one image per tick, then submit the takes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import bpy

from .. import notices, take_manager
from ..preferences import make_client, new_take_folder
from ..remote.messages import Progress
from ..shared.errors import ColorError
from ..shared.remote.client import Client
from ..shared.translatable_text import TranslatableText
from ..shot.export import export_steps
from ..shot.request import ShotRequest
from ..takes.take import Take
from ..translations import translated
from ..widgets import redraw

_log = logging.getLogger(__package__)

_TICK = 0.01
"""Seconds between two calls of the export."""
_WORK = 0.5
"""Least seconds of work in a call. Blender draws all viewports after it, because rendering changes the frame."""


Steps = Generator[tuple[int, int, Take | None], None, None]
"""Images done, total images (0 while a server is contacted), and each take when it is ready."""


class ExportsShots:
    """Exports shots, one after the other, and sends each as soon as it is exported.

    A subclass chooses the shots in `requests`. A shot that cannot be exported is reported and does not stop the others.
    """

    sends = True
    """Whether the servers are contacted before anything is rendered."""

    report: Callable[[set[str], str], None]
    """Blender's own method for messages to the animator."""

    def requests(self, context: bpy.types.Context) -> list[ShotRequest]:
        """The shots to export. Raises ColorError if there are none."""
        raise NotImplementedError

    def use(self, take: Take) -> None:
        """Process an exported take: send it."""
        take_manager.submit(take)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """The blocking path: returns when the strips are placed, or everything is checked."""
        jobs = []
        try:
            for done, total, take in self._steps(context):
                if total:
                    _log.info("%3d%% Exporting image %d of %d", 0, done, total)
                else:
                    time.sleep(_TICK)
                if take is not None:
                    self.use(take)
                    jobs.append(take.job)
        except (ColorError, OSError) as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        return self.wait(jobs)

    def wait(self, jobs: list[str]) -> set[str]:
        """Wait until the takes are processed, in the blocking path."""
        return wait_for(self, jobs)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """The interactive path: exports one image per tick, then submits the takes."""
        if bpy.app.background:
            return self.execute(context)
        notices.settle(notices.EXPORT)
        try:
            self._running = self._steps(context)
        except ColorError as error:
            self._fail(error)
            return {"CANCELLED"}
        take_manager.show_export(Progress(0.0, TranslatableText("Contacting the server")))
        self._timer = context.window_manager.event_timer_add(_TICK, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Called by Blender for each event; all but the timer and Esc are ignored until the export is done."""
        if event.type == "ESC":
            self._leave(context)
            self.report({"INFO"}, translated("Export canceled"))
            return {"CANCELLED"}
        if event.type != "TIMER":
            return {"RUNNING_MODAL"}
        try:
            done, total = self._work()
        except StopIteration:
            self._leave(context)
            return {"FINISHED"}
        except (ColorError, OSError) as error:
            self._leave(context)
            self._fail(error)
            return {"CANCELLED"}
        exporting = TranslatableText("Exporting image {done} of {total}", done=done, total=total)
        doing = exporting if total else TranslatableText("Contacting the server")
        take_manager.show_export(Progress(done / total if total else 0.0, doing))
        context.workspace.status_text_set(translated(TranslatableText("{doing}. Esc: cancel", doing=doing)))
        return {"RUNNING_MODAL"}

    def _work(self) -> tuple[int, int]:
        """Go on with the export for a while; returns the images done and the total."""
        end = time.monotonic() + _WORK
        while True:
            done, total, take = next(self._running)
            if take is not None:
                self.use(take)
            if not total or time.monotonic() > end:
                return done, total

    def _fail(self, error: Exception) -> None:
        """Report an error, and show it until it is dismissed."""
        notices.show_error(error)
        redraw()
        self.report({"ERROR"}, translated(str(error)))

    def _steps(self, context: bpy.types.Context) -> Steps:
        """Check that the servers answer before anything is rendered, then export."""
        requests = self.requests(context)
        clients = [make_client(address) for address in {request.server for request in requests}] if self.sends else []
        return self._ask_and_export(clients, requests)

    def _ask_and_export(self, clients: list[Client], requests: list[ShotRequest]) -> Steps:
        with ThreadPoolExecutor(thread_name_prefix="LongAnimation") as pool:
            answers = [pool.submit(client.info) for client in clients]
            while not all(answer.done() for answer in answers):
                yield 0, 0, None
        for answer in answers:
            answer.result()
        if answers:
            notices.settle(notices.CONNECTION)
        yield from self.export(requests)

    def export(self, requests: list[ShotRequest]) -> Steps:
        """Export shots one after the other; a problem of one of several is reported. Raises ColorError or OSError."""
        for request in requests:
            folder = request.folder or new_take_folder(request.name)
            total = done = 1
            steps = export_steps(request.scene, request.options, folder)
            try:
                while True:
                    done, total = next(steps)
                    yield done, total, None
            except StopIteration as end:
                yield done, total, _named(end.value, request)
            except ColorError as error:
                if len(requests) == 1:
                    raise
                message = TranslatableText("{shot}: {problem}", shot=request.name, problem=str(error))
                self.report({"ERROR"}, translated(message))
            finally:
                steps.close()

    def _leave(self, context: bpy.types.Context) -> None:
        self._running.close()
        take_manager.show_export(None)
        context.window_manager.event_timer_remove(self._timer)
        context.workspace.status_text_set(None)


def _named(take: Take, request: ShotRequest) -> Take:
    """The exported take with its name, its placement and its number among the takes of the shot."""
    take = replace(take, manifest=replace(take.manifest, name=request.name), placement=request.placement)
    return take.changed(server=request.server, number=next_number(take), created=time.time())


def next_number(take: Take) -> int:
    """The number of the next take of a take's shot in its file; takes that were only checked do not count."""
    takes = [entry.take for entry in take_manager.entries.values() if entry.take.state != "exported"]
    return 1 + max((one.number for one in takes if one.shot == take.shot), default=0)


def wait_for(operator: bpy.types.Operator, jobs: list[str]) -> set[str]:
    """Wait in background Blender until takes have ended and their strips are placed; an interrupt cancels them."""
    waiting = take_manager.wait(jobs)
    try:
        for entry in waiting:
            _log.info("%3d%% %s", round(100 * entry.progress.fraction), entry.progress.trouble or entry.progress.text)
    except KeyboardInterrupt:
        for job in jobs:
            take_manager.cancel(job)
        for _ in take_manager.wait(jobs):
            pass
    failed = False
    for take in (take_manager.entries[job].take for job in jobs):
        if take.state == "done":
            message = TranslatableText("{take} is colored, in {folder}", take=take.title, folder=take.folder)
            operator.report({"INFO"}, translated(message))
        else:
            failed = True
            operator.report({"ERROR"}, translated(take.problem or TranslatableText("The take was canceled")))
    return {"CANCELLED"} if failed else {"FINISHED"}
