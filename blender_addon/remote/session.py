# SPDX-License-Identifier: GPL-3.0-or-later
"""One take on its way through the server, in a thread of its own. Knows nothing of Blender.

The thread puts messages on a queue; whoever owns the session reads them: a timer in Blender's window, or a loop in
background Blender. The last message is Finished, Failed or Cancelled.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import ColorError, JobError, RefusedError
from ..shared.protocol import FINAL_STATES
from ..takes.take import Take, frame_name, replace_folder
from .client import Client

_POLL_SECONDS = 0.5
_UPLOADED, _COLORED = 0.05, 0.95
"""Progress at the end of the upload and of the colouring; the rest is the download."""


@dataclass(frozen=True)
class Progress:
    """How far the take is (0 to 1), and what is being done."""

    fraction: float
    text: str


@dataclass(frozen=True)
class Finished:
    """All coloured frames are in the take's folder."""

    take: Take


@dataclass(frozen=True)
class Failed:
    """The take ended without its frames; the sentence says why and what to do."""

    sentence: str


@dataclass(frozen=True)
class Cancelled:
    """The take was cancelled, here or on the server."""


Outcome = Finished | Failed | Cancelled
Message = Progress | Outcome


class _Stopped(Exception):
    """The animator cancelled."""


class Session:
    """Sends a take, waits for it and fetches its frames.

    resume: the job exists on the server already; only wait and fetch.
    """

    def __init__(self, client: Client, take: Take, resume: bool = False) -> None:
        self.take = take
        self._client = client
        self._resume = resume
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"LongAnimation {take.job}", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def cancel(self) -> None:
        """Ask the session, and its job on the server, to stop; Cancelled follows."""
        self._stop.set()

    def news(self) -> list[Message]:
        """Return the messages since the last call, without waiting."""
        return [self._messages.get() for _ in range(self._messages.qsize())]

    def wait(self) -> Iterator[Message]:
        """Yield messages as they come, up to and including the last one."""
        while True:
            message = self._messages.get()
            yield message
            if not isinstance(message, Progress):
                return

    def _run(self) -> None:
        try:
            self._messages.put(self._work())
        except _Stopped:
            self._messages.put(Cancelled())
        except ColorError as error:
            self._messages.put(Failed(str(error)))
        except OSError as error:
            self._messages.put(Failed(f"The take's folder cannot be used: {error}"))

    def _work(self) -> Outcome:
        self._tell(0.0, "Asking the server")
        self._client.info()
        if not self._resume:
            self._upload()
            self._client.create(self.take.job, self.take.manifest)
        if not self._wait_for_frames():
            return Cancelled()
        self._download()
        return Finished(self.take)

    def _tell(self, fraction: float, text: str) -> None:
        self._messages.put(Progress(fraction, text))
        if self._stop.is_set():
            raise _Stopped

    def _upload(self) -> None:
        files = self.take.blobs()
        missing = self._client.missing(tuple(files))
        for index, address in enumerate(missing):
            self._tell(_UPLOADED * index / len(missing), f"Sending image {index + 1} of {len(missing)}")
            self._client.upload(address, files[address])

    def _wait_for_frames(self) -> bool:
        """Follow the job to its end; False when it was cancelled on the server. Raises JobError when it failed."""
        job, last, state = self.take.job, 0, "queued"
        try:
            while state not in FINAL_STATES:
                for event in self._client.events(job, after=last):
                    last, state = event.number, event.state
                    text = (
                        "Waiting in the queue"
                        if state == "queued"
                        else f"Colouring: {event.segments_done} of {event.segments_total} segments"
                    )
                    self._tell(_UPLOADED + (_COLORED - _UPLOADED) * event.progress, text)
                if state not in FINAL_STATES and self._stop.wait(_POLL_SECONDS):
                    raise _Stopped
        except _Stopped:
            self._cancel_job()
            raise
        if state == "failed":
            problem = self._client.status(job).problem
            raise JobError(problem.title if problem else "The job failed on the server: look at the server's log.")
        return state == "done"

    def _cancel_job(self) -> None:
        try:
            self._client.cancel(self.take.job)
        except RefusedError as error:
            if error.status != 409:  # 409: it had ended by itself
                raise

    def _download(self) -> None:
        """Fetch each drawing once, give it to every frame that shows it, and show the folder when it is complete."""
        exposure = self.take.manifest.exposure
        partial = self.take.folder / f".colored-{self.take.job}"
        partial.mkdir(exist_ok=True)
        for drawing in range(exposure.drawing_count):
            self._tell(
                _COLORED + (1 - _COLORED) * drawing / exposure.drawing_count,
                f"Fetching drawing {drawing + 1} of {exposure.drawing_count}",
            )
            first, *held = (frame for frame in exposure.frames if exposure.drawing_at(frame) == drawing)
            source = partial / frame_name(first)
            if not source.exists():
                self._client.download(self.take.job, first, source)
            for frame in held:
                (partial / frame_name(frame)).write_bytes(source.read_bytes())
        replace_folder(partial, self.take.colored)
