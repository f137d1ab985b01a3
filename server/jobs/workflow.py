# SPDX-License-Identifier: GPL-3.0-or-later
"""One job as a durable workflow: every segment is a step, and a step that finished is never done again."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import accumulate
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from dbos import DBOS
from dbos import error as dbos_errors

from server.storage.blobs import Blobs
from server.storage.catalogue import Catalogue
from shared.protocol import Problem
from shared.timing import Exposure

from .client import WORKFLOW
from .shots import load_segment, read_shot, store_segment, tell_guesses

if TYPE_CHECKING:
    from server.colorize.colorizer import Coloring
    from server.colorize.shot import Shot

PROGRESS_SECONDS = 0.5
"""Least time between two progress events of a job."""


class Engine(Protocol):
    """What colours a shot: `server.colorize.colorizer.Colorizer` in earnest."""

    def open(self, shot: Shot) -> Coloring:
        """Plan a shot into segments."""
        ...


EngineFactory = Callable[[str], Engine]
"""Loads the engine of a preset by its name."""


class Painter:
    """Does the jobs of one worker process. The engine of the last preset stays loaded."""

    def __init__(self, catalogue: Catalogue, blobs: Blobs, factory: EngineFactory) -> None:
        self._catalogue = catalogue
        self._blobs = blobs
        self._factory = factory
        self._loaded: tuple[str, Engine] | None = None

    def register(self) -> None:
        """Make `color` the workflow that the API queues; call it before DBOS launches."""
        # DBOS knows workflows by name and calls them with the queued arguments alone, hence the closure.
        DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)(lambda job: self.color(job))

    def color(self, job: str) -> None:
        """Colour a job, from its last finished segment when it was begun before."""
        if not self._catalogue.move(job, "running", allowed=("queued", "running")):
            return  # cancelled or deleted before its turn came
        with _Outcome(self._catalogue, job):
            row = self._catalogue.job(job)
            coloring = self._engine(row.manifest.preset).open(read_shot(row.manifest, self._blobs))
            run = _Run(self._catalogue, self._blobs, job, coloring, row.manifest.exposure)
            self._catalogue.plan(job, len(coloring.segments), run.progress(row.segments_done, 0.0), coloring.note)
            for index in range(len(coloring.segments)):
                addresses = DBOS.run_step({"name": f"segment {index}"}, run.color, index)
                if index not in run.colored:  # finished in an earlier process
                    coloring.restore(index, load_segment(addresses, self._blobs))

    def _engine(self, preset: str) -> Engine:
        if self._loaded is None or self._loaded[0] != preset:
            self._loaded = None  # two models at once may not fit
            self._loaded = (preset, self._factory(preset))
        return self._loaded[1]


class _Run:
    """The work of this process on one job."""

    def __init__(self, catalogue: Catalogue, blobs: Blobs, job: str, coloring: Coloring, exposure: Exposure) -> None:
        self._catalogue = catalogue
        self._blobs = blobs
        self._job = job
        self._coloring = coloring
        self._exposure = exposure
        # Progress counts drawings, for segments differ in length.
        self._ends = list(accumulate((len(segment.drawings) for segment in coloring.segments), initial=0))
        self._told = time.monotonic()
        self.colored: set[int] = set()

    def color(self, index: int) -> dict[str, Any]:
        """Colour a segment, store it, and return its addresses: the step of the workflow."""

        def on_step(done: int, total: int) -> None:
            self._check_state()
            self._tell(self.progress(index, done / total))

        self._check_state()
        result = self._coloring.color(index, on_step)
        addresses = store_segment(result, self._blobs)
        frames = {int(drawing): blob for drawing, blob in addresses["frames"].items()}
        self._catalogue.finish_segment(
            self._job, index, self.progress(index, 1.0), frames, tell_guesses(result, self._exposure)
        )
        self.colored.add(index)
        return addresses

    def progress(self, index: int, part: float) -> float:
        """How far the job is, from 0 to 1, when `part` of segment `index` is done."""
        begin, end = self._ends[index], self._ends[min(index + 1, len(self._ends) - 1)]
        return (begin + part * (end - begin)) / self._ends[-1]

    def _check_state(self) -> None:
        """Stop if the job was cancelled or deleted."""
        if self._catalogue.state(self._job) != "running":
            # DBOS keeps no outcome of a step that ends so: it can be run again later.
            raise dbos_errors.DBOSWorkflowCancelledError(f"Job {self._job} was cancelled.")

    def _tell(self, progress: float) -> None:
        """Tell the progress now and then."""
        if time.monotonic() - self._told >= PROGRESS_SECONDS:
            self._told = time.monotonic()
            self._catalogue.advance(self._job, progress)


class _Outcome:
    """Notes how a job ended, and lets every exception go on to DBOS, which logs it."""

    def __init__(self, catalogue: Catalogue, job: str) -> None:
        self._catalogue = catalogue
        self._job = job

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._catalogue.move(self._job, "done", allowed=("running",))
        elif isinstance(error, Exception):  # the others are DBOS's own: cancelled, or taken over by another worker
            # ValueErrors of the colouring are sentences for people; anything else is a fault of ours.
            sentence = str(error) if isinstance(error, ValueError) else _internal(error)
            self._catalogue.move(
                self._job, "failed", allowed=("running",), message=sentence, problem=Problem(500, "failed", sentence)
            )


def _internal(error: Exception) -> str:
    return (
        f"The colouring stopped with an error ({type(error).__name__}: {error}). "
        "Try the job again; if it stops again, see the worker's log."
    )
