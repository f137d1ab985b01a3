# SPDX-License-Identifier: GPL-3.0-or-later
"""The recovery of jobs whose worker died or could not continue them."""

import contextlib
import logging
from collections.abc import Callable

import sqlalchemy as sa
from dbos import DBOS
from dbos import error as dbos_errors

from server.storage.catalogue import Catalogue
from server.storage.heartbeats import Heartbeats
from server.storage.job import ACTIVE_STATES, UnknownJob, UnreadableJob
from server.storage.job_changes import JobChanges
from shared.protocol import Problem

from .client import rewind

FATAL_CRASHES = 2
"""A job that crashed this many workers without finishing a segment in between is set aside."""

logger = logging.getLogger(__name__)


class Recovery:
    """Requeues jobs from a worker process in which DBOS was launched."""

    def __init__(self, database: sa.Engine) -> None:
        self._catalogue = Catalogue(database)
        self._changes = JobChanges(database)
        self._heartbeats = Heartbeats(database)

    def recover_jobs(self, worker: str, current_job: Callable[[], str | None]) -> None:
        """Requeue the jobs that `worker`, this process, could not continue, and the jobs of one dead worker.

        current_job: returns the job that this worker is working on.
        """
        for job in self._catalogue.running_on(worker):
            if job != current_job():  # called after the list was read, because a job may just have begun
                self._requeue(job, "Its worker could not continue; the job is queued again.")
        dead = self._heartbeats.claim_dead()
        if dead is not None:
            name, crashed = dead
            self._recover_from(name, crashed)
            self._heartbeats.forget(name)

    def _recover_from(self, worker: str, crashed: bool) -> None:
        """Requeue the jobs that `worker` left unfinished, and set aside a job that crashed too many workers."""
        for workflow in DBOS.list_workflows(status="PENDING", executor_id=worker, load_input=False, load_output=False):
            job = workflow.workflow_id
            if self._catalogue.state(job) not in ACTIVE_STATES:
                DBOS.cancel_workflow(job)
            elif crashed and self._changes.count_crash(job) >= FATAL_CRASHES:
                self._set_aside(job)
            else:
                self._requeue(job, "Its worker stopped; the job continues after its last finished segment.")
            logger.info("Took over job %s from worker %s.", job, worker)
        # The workflows of these jobs ended with an error, and the worker died before it could record that.
        for job in self._catalogue.running_on(worker):
            self._requeue(job, "Its worker stopped; the job continues after its last finished segment.")

    def _set_aside(self, job: str) -> None:
        sentence = (
            f"This job crashed {FATAL_CRASHES} workers and was set aside. The device may lack memory for it: "
            "try it again at a smaller size or with another preset, and see the worker's log."
        )
        problem = Problem(500, "worker_died", sentence)
        self._changes.move(job, "failed", allowed=ACTIVE_STATES, message=sentence, problem=problem)
        DBOS.cancel_workflow(job)

    def _requeue(self, job: str, message: str) -> None:
        """Let any worker continue a job that was begun. The message tells the animator why."""
        if not self._changes.move(job, "queued", allowed=ACTIVE_STATES, message=message):
            return
        # It was deleted, another version wrote it, or another worker was faster.
        with contextlib.suppress(UnknownJob, UnreadableJob, dbos_errors.DBOSException):
            row = self._catalogue.job(job)
            if DBOS.retrieve_workflow(job).get_status().status == "PENDING":
                DBOS.resume_workflow(job, queue_name=row.queue)
            else:
                rewind(DBOS, row)
