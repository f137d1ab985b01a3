# SPDX-License-Identifier: GPL-3.0-or-later
"""One take on its way through the server, in a thread of its own. Knows nothing of Blender.

The thread puts messages on a queue; whoever owns the session reads them: a timer in Blender's window, or a loop in
background Blender. The last message is Finished, Failed or Cancelled, unless the session was left alone.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from ..errors import ColorError, JobError, RefusedError, UnreachableError
from ..sentence import Sentence
from ..shared.manifest import Priority
from ..shared.status import FINAL_STATES, JobStatus
from ..takes.take import Take, copy_whole, frame_name
from .client import Client

_POLL_SECONDS = 0.5
_PAUSES = (1, 2, 5, 10, 20, 30)
"""Seconds between the attempts to reach a server that is away; the last pause stays."""

_BUSY = frozenset((429, 503, 507))
"""Refusals that pass: too many requests, a server that is ending, a full disk."""

UPLOADED, _COLORED = 0.05, 1.0
"""Progress at the end of the upload and of the coloring: frames are fetched meanwhile."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Progress:
    """How far the take is (0 to 1), and what is being done.

    eta: seconds that are left, where the server can tell. trouble: why nothing goes on at the moment, or "".
    waiting: the job waits for its turn.
    """

    fraction: float
    text: str
    eta: float | None = None
    trouble: str = ""
    waiting: bool = False


@dataclass(frozen=True)
class Arrived:
    """These frames are in the take's folder now, complete."""

    frames: tuple[int, ...]


@dataclass(frozen=True)
class Told:
    """A word of the server about the job."""

    sentence: str


@dataclass(frozen=True)
class Guessed:
    """So far the colors of these frames are a guess: by frame, the share of the picture."""

    shares: dict[int, float]


@dataclass(frozen=True)
class Finished:
    """All colored frames are in the take's folder."""

    take: Take


@dataclass(frozen=True)
class Failed:
    """The take ended without its frames; the sentence says why and what to do. remedy: as in errors.ServerError."""

    sentence: str
    remedy: str = ""


@dataclass(frozen=True)
class Cancelled:
    """The take was cancelled, here or on the server."""


Outcome = Finished | Failed | Cancelled
Message = Progress | Arrived | Told | Guessed | Outcome


class _Stopped(Exception):
    """The animator cancelled, or left the session alone."""


class Session:
    """Sends a take unless the server has it already, follows its job, and fetches frames as segments end.

    A session that is started again for the same take goes on where the last one was, whatever that had done. A server
    that does not answer is asked again until it does. again: a job that failed or was cancelled is to be tried again.
    """

    def __init__(self, client: Client, take: Take, again: bool = False) -> None:
        self.take = take
        self._client = client
        self._again = again
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._wishes: queue.SimpleQueue[Priority] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._cancelling = False
        self._latest = Progress(0.0, Sentence("Asking the server"))
        self._thread = threading.Thread(target=self._run, name=f"LongAnimation {take.job}", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def cancel(self) -> None:
        """Ask the session, and its job on the server, to stop; Cancelled follows."""
        self._cancelling = True
        self._stop.set()

    def leave(self) -> None:
        """Stop following; the job goes on. No message follows."""
        self._stop.set()

    def prioritize(self, priority: Priority) -> None:
        """Ask the server for another priority of the waiting job."""
        self._wishes.put(priority)

    def news(self) -> list[Message]:
        """Return the messages since the last call, without waiting."""
        return [self._messages.get() for _ in range(self._messages.qsize())]

    def wait(self) -> Iterator[Message]:
        """Yield messages as they come, up to and including the last one."""
        while True:
            message = self._messages.get()
            yield message
            if isinstance(message, Outcome):
                return

    def _run(self) -> None:
        try:
            self._messages.put(self._work())
        except _Stopped:
            if self._cancelling:
                self._messages.put(self._cancel_job())
        except ColorError as error:
            self._messages.put(Failed(str(error), getattr(error, "remedy", "")))
        except OSError as error:
            self._messages.put(Failed(Sentence("The take's folder cannot be used: {reason}", reason=str(error))))

    def _work(self) -> Outcome:
        self._tell(self._latest)
        self._patiently(self._client.info)
        status = self._find_job()
        if status is None:
            self._upload()
            self._patiently(self._client.create, self.take.job, self.take.manifest)
        elif self._again and status.state in ("failed", "cancelled"):
            self._patiently(self._client.retry, self.take.job)
        if not self._follow():
            return Cancelled()
        return Finished(self.take)

    def _find_job(self) -> JobStatus | None:
        """Return where the job stands on the server, None when it is not there."""
        try:
            return self._patiently(self._client.status, self.take.job)
        except RefusedError as error:
            if error.code != "unknown_job":
                raise
            return None

    def _patiently(self, call: Callable[..., Result], *arguments: Any) -> Result:
        """Call the server until it answers: it may be restarting, or this computer asleep."""
        since = time.monotonic()
        pauses = iter(_PAUSES)
        pause = 0
        while True:
            try:
                result = call(*arguments)
                break
            except UnreachableError as error:
                trouble = str(error)
            except RefusedError as error:
                if error.status not in _BUSY:
                    raise
                trouble = str(error)
            pause = next(pauses, pause)
            latest = self._latest
            text = Sentence("No answer for {seconds} s; asking again", seconds=round(time.monotonic() - since))
            self._messages.put(Progress(latest.fraction, text, None, trouble))
            self._sleep(pause)
        return result

    def _sleep(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise _Stopped

    def _tell(self, progress: Progress) -> None:
        self._latest = progress
        self._messages.put(progress)
        if self._stop.is_set():
            raise _Stopped

    def _upload(self) -> None:
        files = self.take.blobs()
        missing = self._patiently(self._client.missing, tuple(files))
        for index, address in enumerate(missing):
            text = Sentence("Sending image {number} of {count}", number=index + 1, count=len(missing))
            self._tell(Progress(UPLOADED * index / len(missing), text))
            self._patiently(self._client.upload, address, files[address])

    def _follow(self) -> bool:
        """Fetch the job's frames until it ends; False when it was cancelled. Raises JobError when it failed."""
        job, last = self.take.job, 0
        while True:
            events = self._patiently(self._client.events, job, last)
            for event in events:
                last = event.number
                if event.message and event.kind != "segment":  # those tell of guesses
                    self._messages.put(Told(event.message))
            self._grant_wishes()
            # Asked after the events and before the frames, so that a final state has all of both.
            status = self._patiently(self._client.status, job)
            self._tell(_progress_of(status))
            if status.state == "done" or any(event.kind == "segment" for event in events):
                guesses = self._patiently(self._client.guesses, job)
                self._messages.put(Guessed({guess.frame: guess.share for guess in guesses}))
            self._fetch(status.frames_done)
            if status.state in FINAL_STATES:
                break
            self._sleep(_POLL_SECONDS)
        if status.state == "failed":
            problem = status.problem
            unknown = Sentence("The job failed on the server: look at the server's log.")
            raise JobError(problem.title if problem else unknown)
        return status.state == "done"

    def _grant_wishes(self) -> None:
        while not self._wishes.empty():
            try:
                self._patiently(self._client.set_priority, self.take.job, self._wishes.get())
            except RefusedError as error:
                self._messages.put(Told(str(error)))

    def _fetch(self, frames_done: tuple[int, ...]) -> None:
        """Fetch each drawing that is done and not here yet, and give it to every frame that shows it."""
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
                self._patiently(self._client.download, self.take.job, first, folder / frame_name(first), folder.name)
                for frame in held:
                    copy_whole(folder / frame_name(first), folder / frame_name(frame))
            self._messages.put(Arrived((first, *held)))
            if self._stop.is_set():
                raise _Stopped

    def _cancel_job(self) -> Cancelled | Failed:
        try:
            self._client.cancel(self.take.job)
        except RefusedError as error:
            if error.status not in (404, 409):  # it was not sent yet, or had ended by itself
                return Failed(str(error))
        except ColorError as error:
            return Failed(Sentence("The job could not be cancelled and may go on: {reason}", reason=str(error)))
        return Cancelled()


def _progress_of(status: JobStatus) -> Progress:
    if status.state == "queued":
        return Progress(UPLOADED, Sentence("Waiting in the queue"), status.eta_seconds, waiting=True)
    text = Sentence("Coloring: {done} of {total} segments", done=status.segments_done, total=status.segments_total)
    return Progress(UPLOADED + (_COLORED - UPLOADED) * status.progress, text, status.eta_seconds)
