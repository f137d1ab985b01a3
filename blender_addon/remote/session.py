# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends one take through the server, in a thread. Does not use Blender.

The thread puts messages on a queue. The owner of the session reads them: a timer in Blender's window, or a loop in
background Blender. The last message is Finished, Failed or Cancelled, unless the session was detached.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from ..files import replacing
from ..shared.errors import ColorError, JobError, RefusedError, ServerError, UnreachableError
from ..shared.manifest import Priority
from ..shared.remote.attempts import ask_patiently
from ..shared.remote.client import Client
from ..shared.remote.limits import check_limits
from ..shared.status import FINAL_STATES, JobEvent, JobStatus
from ..shared.translatable_text import TranslatableText
from ..takes.take import Take, copy_whole, frame_name, unwritable
from .messages import Arrived, Cancelled, Failed, Finished, Guessed, Message, Outcome, Progress, Remark

_POLL_SECONDS = 0.5
UPLOADED, _COLORED = 0.05, 1.0
"""Progress at the end of the upload and of the coloring; frames are fetched during the coloring."""

Result = TypeVar("Result")


class _Stopped(Exception):
    """The animator cancelled, or the session was detached."""


class Session:
    """Sends a take unless the server has it already, follows its job, and fetches frames as segments end.

    A new session for the same take continues wherever the last one stopped. A server that does not answer is asked
    again until it does. retry: try a failed or cancelled job again.
    """

    def __init__(self, client: Client, take: Take, retry: bool = False) -> None:
        self.take = take
        self._client = client
        self._retry = retry
        self._queue: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._priorities: queue.SimpleQueue[Priority] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._cancelling = False
        self._held_up = ""
        self._latest = Progress(0.0, TranslatableText("Contacting the server"))
        self._thread = threading.Thread(target=self._run, name=f"LongAnimation {take.job}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def cancel(self) -> None:
        """Ask the session, and its job on the server, to stop; Cancelled follows."""
        self._cancelling = True
        self._stop.set()

    def detach(self) -> None:
        """Stop following; the job continues. No message follows."""
        self._stop.set()

    def prioritize(self, priority: Priority) -> None:
        """Ask the server for another priority of the waiting job."""
        self._priorities.put(priority)

    def messages(self) -> list[Message]:
        """Return the messages since the last call, without waiting."""
        return [self._queue.get() for _ in range(self._queue.qsize())]

    def wait(self) -> Iterator[Message]:
        """Yield messages as they come, up to and including the last one."""
        while True:
            message = self._queue.get()
            yield message
            if isinstance(message, Outcome):
                return

    def _run(self) -> None:
        try:
            self._queue.put(self._work())
        except _Stopped:
            if self._cancelling:
                self._queue.put(self._cancel_job())
        except ColorError as error:
            self._queue.put(Failed(str(error), getattr(error, "remedy", "")))
        except OSError as error:
            self._queue.put(Failed(unwritable(self.take.folder, error)))

    def _work(self) -> Outcome:
        self._report(self._latest)
        info = self._ask(self._client.info)
        status = self._find_job()
        if status is None:
            check_limits(self.take.manifest, info.limits)
            self._upload()
            self._ask(self._client.create, self.take.job, self.take.manifest)
        elif self._retry and status.state in ("failed", "cancelled"):
            self._ask(self._client.retry, self.take.job)
        if not self._follow():
            return Cancelled()
        return Finished(self.take)

    def _find_job(self) -> JobStatus | None:
        """Return the job's status on the server, or None if it is not there."""
        try:
            return self._ask(self._client.status, self.take.job)
        except RefusedError as error:
            if error.code != "unknown_job":
                raise
            return None

    def _ask(self, call: Callable[..., Result], *arguments: Any) -> Result:
        """Call the server until it answers: it may be restarting, or this computer may have slept."""
        result: Result = ask_patiently(partial(call, *arguments), self._report_trouble, self._sleep)
        return result

    def _report_trouble(self, error: ServerError, seconds: int) -> None:
        text = TranslatableText("No answer for {seconds} s; trying again", seconds=seconds)
        remedy = error.remedy if isinstance(error, UnreachableError) else ""
        self._queue.put(Progress(self._latest.fraction, text, None, str(error), remedy=remedy))

    def _sleep(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise _Stopped

    def _report(self, progress: Progress) -> None:
        self._latest = progress
        self._queue.put(progress)
        if self._stop.is_set():
            raise _Stopped

    def _upload(self) -> None:
        files = self.take.blobs()
        missing = self._ask(self._client.missing, tuple(files))
        for index, address in enumerate(missing):
            text = TranslatableText("Sending image {number} of {count}", number=index + 1, count=len(missing))
            self._report(Progress(UPLOADED * index / len(missing), text))
            self._ask(self._client.upload, address, files[address])

    def _follow(self) -> bool:
        """Fetch the job's frames until it ends; False when it was cancelled. Raises JobError when it failed."""
        job, last = self.take.job, 0
        while True:
            events = self._ask(self._client.events, job, last)
            for event in events:
                last = event.number
                self._note(event)
            self._send_priorities()
            # Requested after the events and before the frames, so that a final state has all of both.
            status = self._ask(self._client.status, job)
            self._report(replace(_progress_of(status), trouble=self._held_up))
            if status.state == "done" or any(event.kind == "segment" for event in events):
                guesses = self._ask(self._client.guesses, job)
                self._queue.put(Guessed({guess.frame: guess.share for guess in guesses}))
            self._fetch(status.frames_done)
            if status.state in FINAL_STATES:
                break
            self._sleep(_POLL_SECONDS)
        if status.state == "failed":
            problem = status.problem
            unknown = TranslatableText("The job failed on the server: look at the server's log.")
            raise JobError(problem.title if problem else unknown)
        done: bool = status.state == "done"
        return done

    def _note(self, event: JobEvent) -> None:
        """Keep what the server says about the images; what it says about the job's state holds until the next event."""
        about_state = event.kind == "state" and event.state not in FINAL_STATES
        self._held_up = event.message if about_state else ""
        lasts = event.kind == "progress" or event.state == "done"  # segments report guesses, a failure has its problem
        if event.message and lasts:
            self._queue.put(Remark(event.message))

    def _send_priorities(self) -> None:
        while not self._priorities.empty():
            try:
                self._ask(self._client.set_priority, self.take.job, self._priorities.get())
            except RefusedError as error:
                self._queue.put(Remark(str(error)))

    def _fetch(self, frames_done: tuple[int, ...]) -> None:
        """Fetch each finished drawing that has not arrived yet, and copy it to every frame that shows it."""
        exposure = self.take.manifest.exposure
        here = set(self.take.arrived())
        wanted: dict[int, list[int]] = {}
        for frame in frames_done:
            if frame not in here:
                wanted.setdefault(exposure.drawing_at(frame), []).append(frame)
        for folder in self.take.results:
            folder.mkdir(exist_ok=True)
        for first, *held in wanted.values():
            for folder in self.take.results:
                arrived = self._ask(self._client.frame, self.take.job, first, folder.name)
                with replacing(folder / frame_name(first)) as partial_file:
                    partial_file.write_bytes(arrived.content)
                for frame in held:
                    copy_whole(folder / frame_name(first), folder / frame_name(frame))
            self._queue.put(Arrived((first, *held)))
            if self._stop.is_set():
                raise _Stopped

    def _cancel_job(self) -> Cancelled | Failed:
        try:
            self._client.cancel(self.take.job)
        except RefusedError as error:
            if error.status not in (404, 409):  # it was not sent yet, or had ended by itself
                return Failed(str(error))
        except ColorError as error:
            return Failed(
                TranslatableText("The job could not be canceled and may continue: {reason}", reason=str(error))
            )
        return Cancelled()


def _progress_of(status: JobStatus) -> Progress:
    if status.state == "queued":
        return Progress(UPLOADED, TranslatableText("Waiting in the queue"), status.eta_seconds, waiting=True)
    text = TranslatableText(
        "Coloring: {done} of {total} segments", done=status.segments_done, total=status.segments_total
    )
    return Progress(UPLOADED + (_COLORED - UPLOADED) * status.progress, text, status.eta_seconds)
