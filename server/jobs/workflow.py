# SPDX-License-Identifier: GPL-3.0-or-later
"""One job as a durable workflow. Every segment is a step, and a finished step is never repeated."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import accumulate
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy as sa
from dbos import DBOS
from dbos import error as dbos_errors

from server import logs
from server.coloring.shot_checks import fit_keyframes
from server.storage.blobs import Blobs, MissingBlob
from server.storage.catalogue import Catalogue
from server.storage.image_facts import ImageFactsTable
from server.storage.job import ACTIVE_STATES, Job
from server.storage.job_changes import JobChanges
from server.storage.segments import FinishedSegment, Segments
from server.storage.space import is_full
from shared.protocol import Problem

from .client import WORKFLOW
from .patience import Patience, PatientBlobs
from .reuse import segment_keys
from .shots import describe_guesses, describe_images, load_segment, read_shot, store_segment

if TYPE_CHECKING:
    from server.coloring.shot import Shot
    from server.coloring.shot_coloring import ShotColoring

PROGRESS_SECONDS = 0.5
"""Minimum time between two progress events of a job."""

logger = logging.getLogger(__name__)


class ShotColorizer(Protocol):
    """Colors shots: `server.coloring.colorizer.Colorizer`, or its replacement in tests and benchmarks."""

    def open(self, shot: Shot) -> ShotColoring:
        """Plan a shot into segments."""
        ...


LoadColorizer = Callable[[str], ShotColorizer]
"""Loads the colorizer of a preset by its name."""


class JobRunner:
    """Runs jobs in the worker process called `worker`. The colorizer of the last preset stays loaded.

    current_job: the id of the running job, or None between jobs.
    """

    def __init__(self, worker: str, database: sa.Engine, blobs: Blobs, load_colorizer: LoadColorizer) -> None:
        self._worker = worker
        self._catalogue = Catalogue(database)
        self._changes = JobChanges(database)
        self._segments = Segments(database)
        self._image_facts = ImageFactsTable(database)
        self._blobs = blobs
        self._load_colorizer = load_colorizer
        self._loaded: tuple[str, ShotColorizer] | None = None
        self.current_job: str | None = None

    def register(self) -> None:
        """Register `run` as the workflow that the API queues. Call this before DBOS launches."""
        # A closure, because DBOS finds workflows by name and calls them with only the queued arguments.
        DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)(lambda job: self.run(job))

    def run(self, job: str) -> None:
        """Color a job, starting after its last finished segment if it was begun earlier."""
        self.current_job = job
        try:
            if not self._changes.move(job, "running", allowed=ACTIVE_STATES, worker=self._worker):
                return  # cancelled or deleted before its turn came
            with logs.context(job=job), _Outcome(self._changes, job):
                logger.info("This worker starts the job.")
                self._color(self._catalogue.job(job))
        finally:
            self.current_job = None

    def _color(self, job: Job) -> None:
        patience = Patience(self._changes, job.id, lambda: self._check_state(job.id))
        blobs = PatientBlobs(self._blobs, patience)
        shot, flaws, changes = fit_keyframes(read_shot(job.manifest, blobs), job.manifest.exposure.first_frame_of)
        if job.started is None:
            facts = self._image_facts.find(job.manifest.drawings)
            lined = [address not in facts or facts[address].has_lines for address in job.manifest.drawings]
            blank = [index for index, has_lines in enumerate(lined) if not has_lines]
            for message in describe_images(shot, job.manifest, flaws, changes, blank):
                self._changes.add_message(job.id, message)
        coloring = self._colorizer(job.manifest.preset).open(shot)
        run = _Run(self._changes, self._segments, blobs, patience, job, coloring)
        drawings = [segment.shown for segment in coloring.segments]
        self._changes.plan(job.id, drawings, run.progress(job.segments_done, 0.0), coloring.note)
        for index in range(len(coloring.segments)):
            with logs.context(segment=index):
                addresses = DBOS.run_step({"name": f"segment {index}"}, run.color, index)
                if set(addresses["frames"]) != {str(drawing) for drawing in drawings[index]}:
                    addresses = run.color(index)  # the step was recorded by a version that planned the shot otherwise
                if index not in run.colored:  # finished in an earlier process, or for another job
                    try:
                        coloring.restore(index, load_segment(addresses, blobs))
                    except MissingBlob:  # the store lost it
                        run.color(index)

    def _check_state(self, job: str) -> None:
        """Stop if a job was cancelled or deleted, or given to another worker while this one was considered dead."""
        if not self._catalogue.is_running_on(self._worker, job):
            # DBOS records no outcome for a step that ends this way, so it can be run again later.
            raise dbos_errors.DBOSWorkflowCancelledError(f"Job {job} was canceled.")

    def _colorizer(self, preset: str) -> ShotColorizer:
        if self._loaded is None or self._loaded[0] != preset:
            self._loaded = None  # two models at once may not fit
            self._loaded = (preset, self._load_colorizer(preset))
        return self._loaded[1]


class _Run:
    """The run of one job in this process."""

    def __init__(
        self,
        changes: JobChanges,
        segments: Segments,
        blobs: PatientBlobs,
        patience: Patience,
        job: Job,
        coloring: ShotColoring,
    ) -> None:
        self._changes = changes
        self._segments = segments
        self._blobs = blobs
        self._patience = patience
        self._job = job
        self._coloring = coloring
        self._keys = segment_keys(coloring, job.manifest)
        # Progress counts drawings, because segments differ in length.
        self._ends = list(accumulate((len(segment.drawings) for segment in coloring.segments), initial=0))
        self._last_report = time.monotonic()
        self.colored: set[int] = set()

    def color(self, index: int) -> dict[str, Any]:
        """Color a segment unless it exists, store it, and return its addresses. This is the step of the workflow."""
        self._patience.check()
        known = self._known(index)
        if known is not None and index < self._job.segments_done:  # a crash came between the job's record and DBOS's
            return _addresses(known)
        segment = known or self._colored(index)
        message = describe_guesses(segment.guesses, self._job.manifest.exposure)
        progress = self.progress(index, 1.0)
        self._patience.repeat(lambda: self._changes.finish_segment(self._job.id, segment, progress, message))
        logger.info("The segment is finished.")
        return _addresses(segment)

    def _known(self, index: int) -> FinishedSegment | None:
        """Return the segment if this job or another one has it and all its blobs still exist."""
        drawings = self._coloring.segments[index].drawings
        found = self._segments.find(self._keys[index], self._job.id, index, drawings)
        if found is None:
            return None
        frames, guesses, key = self._shown(index, found.frames, found.guesses)
        segment = replace(found, frames=frames, guesses=guesses, key=key)
        return None if self._blobs.missing([*segment.frames.values(), segment.state]) else segment

    def _colored(self, index: int) -> FinishedSegment:
        def on_step(done: int, total: int) -> None:
            self._patience.check()
            self._report_progress(self.progress(index, done / total))

        begun = time.time()
        result = self._coloring.color(index, on_step)
        if result.note:
            self._patience.repeat(lambda: self._changes.add_message(self._job.id, result.note))
        frames, guesses, key = self._shown(index, result.frames, result.guesses)
        kept = replace(result, frames=frames, guesses=guesses)
        addresses = store_segment(kept, self._blobs, self._job.owner)
        self.colored.add(index)
        return FinishedSegment(index, key, **addresses, begun=begun, finished=time.time())

    def _shown(
        self, index: int, frames: Mapping[int, Any], guesses: Mapping[int, Any]
    ) -> tuple[dict[int, Any], dict[int, Any], str | None]:
        """Return the frames and the guesses of a segment without those that a correction colors again, and its key if
        none is left out."""
        segment = self._coloring.segments[index]
        own, doubtful = ({one: part[one] for one in segment.shown if one in part} for part in (frames, guesses))
        return own, doubtful, self._keys[index] if len(segment.shown) == len(segment.drawings) else None

    def progress(self, index: int, part: float) -> float:
        """Return the job's progress, from 0 to 1, when the share `part` of segment `index` is done."""
        begin, end = self._ends[index], self._ends[min(index + 1, len(self._ends) - 1)]
        return (begin + part * (end - begin)) / self._ends[-1]

    def _report_progress(self, progress: float) -> None:
        """Record the progress at intervals. A full disk does not stop the job."""
        if time.monotonic() - self._last_report >= PROGRESS_SECONDS:
            self._last_report = time.monotonic()
            try:
                self._changes.set_progress(self._job.id, progress)
            except sa.exc.OperationalError as error:
                if not is_full(error):
                    raise


def _addresses(segment: FinishedSegment) -> dict[str, Any]:
    """Return the part of a segment that DBOS records."""
    return {"frames": {str(drawing): blob for drawing, blob in segment.frames.items()}, "state": segment.state}


class _Outcome:
    """Records how a job ended, and lets every exception propagate to DBOS, which logs it."""

    def __init__(self, changes: JobChanges, job: str) -> None:
        self._changes = changes
        self._job = job

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._changes.move(self._job, "done", allowed=("running",))
            logger.info("The job is done.")
        elif is_full(error) or isinstance(error, sa.exc.OperationalError):  # neither is the job's fault
            logger.error(
                "Job %s was left: the disk is full or the database does not answer. It continues later.",
                self._job,
            )
        elif isinstance(error, MissingBlob):
            problem = Problem(409, "missing_blobs", str(error), missing=(error.address,))
            self._changes.move(self._job, "failed", allowed=("running",), message=problem.title, problem=problem)
        elif isinstance(error, Exception):  # others are DBOS's own: cancelled, or taken over by another worker
            # ValueErrors of the coloring have messages for users; any other exception is a bug.
            sentence = str(error) if isinstance(error, ValueError) else _internal(error)
            self._changes.move(
                self._job, "failed", allowed=("running",), message=sentence, problem=Problem(500, "failed", sentence)
            )


def _internal(error: Exception) -> str:
    return (
        f"The coloring stopped with an error ({type(error).__name__}: {error}). "
        "Try the job again; if it stops again, see the worker's log."
    )
