# SPDX-License-Identifier: GPL-3.0-or-later
"""The API's side of jobs. It queues and controls workflows, and never runs one."""

import contextlib
import time
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from dbos import DBOSClient, DBOSPortableJSONSerializer, EnqueueOptions, error

from server.storage.catalogue import Catalogue, count_jobs
from server.storage.database import QuotaExceeded, lock_owner, writing
from server.storage.frames import Frames
from server.storage.heartbeats import Heartbeats
from server.storage.job import ACTIVE_STATES, Job
from server.storage.job_changes import JobChanges
from server.storage.segments import Segments
from shared.manifest import Priority, ShotManifest
from shared.status import QueueStatus

from .dbos_tables import set_workflow_priority
from .reuse import job_fingerprint

APPLICATION = "longanimation-color"
WORKFLOW = "color_shot"
WORKFLOW_VERSION = "2"
"""Only workers of the same version take jobs queued under a version. Raise it when the steps change."""
FILMS = "films"
"""The queue of films. Every worker serves it, beside the job that it colors, and it cannot be paused."""
POLL_SECONDS = 0.3
"""How often a free worker looks for a job."""
SETTLING_SECONDS = 2 * POLL_SECONDS
"""How long after a change of a queue's settings every worker obeys it. A free worker reads the settings, waits, and
then takes a job."""
PRIORITIES: dict[Priority, int] = {"high": 1, "normal": 2, "low": 3}
"""Priorities as DBOS orders them: the lowest number first, and the oldest first among equals."""


class JobConflict(Exception):
    """Another job already has this id, or the job's state does not allow the request."""


class Jobs:
    """The jobs and the queues as the API sees them."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._catalogue = Catalogue(engine)
        self._changes = JobChanges(engine)
        self._frames = Frames(engine)
        self._segments = Segments(engine)
        self._heartbeats = Heartbeats(engine)
        self._client = open_client(engine)

    def submit(self, job: str, manifest: ShotManifest, queue: str, owner: str, quota_jobs: int | None = None) -> None:
        """Queue a new job. Its row and its workflow are written together or not at all.

        If an earlier job already has the same frames, the job is done immediately.

        quota_jobs: how many waiting and running jobs the owner may have, with this one. Raises JobConflict and
        QuotaExceeded.
        """
        fingerprint = job_fingerprint(manifest)
        try:
            with writing(self._engine) as connection:
                if quota_jobs is not None:
                    lock_owner(connection, owner)
                self._changes.add(connection, job, manifest, queue=queue, owner=owner, fingerprint=fingerprint)
                if quota_jobs is not None and count_jobs(connection, ACTIVE_STATES, owner) > quota_jobs:
                    raise QuotaExceeded
                if self._changes.finish_from_duplicate(connection, job, fingerprint):
                    return
                self._enqueue(connection, job, queue, manifest.priority)
        except sa.exc.IntegrityError as refusal:
            raise JobConflict(f"Job {job} already exists.") from refusal

    def _enqueue(self, connection: sa.Connection, job: str, queue: str, priority: Priority) -> None:
        options: EnqueueOptions = {
            "workflow_name": WORKFLOW,
            "queue_name": queue,
            "workflow_id": job,
            "app_version": WORKFLOW_VERSION,
            "priority": PRIORITIES[priority],
        }
        self._client.enqueue_in_transaction(connection, options, job)

    def cancel(self, job: Job) -> None:
        """Stop a job that is waiting or running. The worker stops at its next denoising step. Raises JobConflict."""
        if not self._changes.move(job.id, "cancelled", allowed=ACTIVE_STATES):
            raise JobConflict(f"Job {job.id} is {job.state}: only a waiting or running job can be canceled.")
        self._client.cancel_workflow(job.id)

    def retry(self, job: Job) -> None:
        """Queue a failed or cancelled job again from its last finished segment. Raises JobConflict."""
        if job.state not in ("failed", "cancelled"):
            raise JobConflict(f"Job {job.id} is {job.state}: only a failed or canceled job can be tried again.")
        # The state is changed first, because workers ignore jobs that are not queued.
        self._changes.reset_crashes(job.id)
        self._changes.move(job.id, "queued", allowed=("failed", "cancelled"))
        try:
            rewind(self._client, job)
        except error.DBOSException as refusal:
            self._changes.move(job.id, job.state, allowed=("queued",), problem=job.problem)
            raise JobConflict(f"Job {job.id} is still stopping: try again in a few seconds.") from refusal

    def prioritize(self, job: Job, priority: Priority) -> None:
        """Change the priority of a waiting job. Raises JobConflict if it is not waiting."""
        with self._engine.begin() as connection:
            if not self._changes.set_priority(connection, job.id, priority):
                raise JobConflict(f"Job {job.id} is {job.state}: only a waiting job's priority can be changed.")
            set_workflow_priority(connection, job.id, PRIORITIES[priority])

    def delete(self, job: str) -> None:
        """Remove a job in any state, also one that cannot be read. A running job is stopped."""
        self._changes.delete(job)
        try:
            self._client.cancel_workflow(job)
            self._client.delete_workflow(job)
        except error.DBOSNonExistentWorkflowError:
            return  # it never needed one, or two deletions came at once

    def requeue_stalled(self, stalled_seconds: float) -> int:
        """Queue the workflows of jobs that wait without one because a server died while it queued them.

        Return how many there were.

        stalled_seconds: jobs that changed more recently are skipped, because another thread may be queuing them.
        """
        waiting = {job.id: job for job in self._catalogue.stalled(stalled_seconds)}
        if not waiting:
            return 0
        ended = self._client.list_workflows(
            workflow_ids=list(waiting), status=["SUCCESS", "ERROR", "CANCELLED"], load_input=False, load_output=False
        )
        for workflow in ended:
            with contextlib.suppress(error.DBOSException):  # somebody was faster
                rewind(self._client, waiting[workflow.workflow_id])
        return len(ended)

    def recolor_lost(self) -> int:
        """Queue the finished jobs again whose frames the store lost, from the first segment that is not whole. Return
        how many there were. A job whose own images were lost too waits until they are uploaded again."""
        found = self._catalogue.with_lost_frames()
        for job in found:
            lost = self._frames.lost(job.id)
            segment = self._segments.first_lost(job.id, lost)
            # A job that took all its frames from an earlier one has no workflow.
            has_workflow = bool(self._client.list_workflows(workflow_ids=[job.id], load_input=False, load_output=False))
            with self._engine.begin() as connection:
                if not self._changes.reopen(connection, job.id, segment, lost):
                    continue  # another server was faster
                if not has_workflow:
                    self._enqueue(connection, job.id, job.queue, job.priority)
            if has_workflow:  # if this does not happen, the job is stalled and queued later
                with contextlib.suppress(error.DBOSException):
                    rewind(self._client, replace(job, segments_done=segment))
        return len(found)

    def queues(self) -> list[QueueStatus]:
        """Return every queue that has jobs, workers or a setting, by name."""
        registered = [queue for queue in self._client.list_queues() if queue.name != FILMS]
        paused = {queue.name: queue.worker_concurrency == 0 for queue in registered}
        served = [worker.device.kind for worker in self._heartbeats.alive()]
        counts = self._catalogue.active_by_queue()
        names = sorted({*paused, *served, *(queue for queue, _ in counts)})
        return [
            QueueStatus(
                name=name,
                paused=paused.get(name, False),
                queued=counts.get((name, "queued"), 0),
                running=counts.get((name, "running"), 0),
                workers=served.count(name),
            )
            for name in names
        ]

    def pause(self, queue: str, paused: bool) -> None:
        """Pause a queue, or resume it. Once a pause returns, no job of the queue begins; running jobs continue."""
        add_queue(self._client, queue).set_worker_concurrency(0 if paused else 1)
        if paused:
            time.sleep(SETTLING_SECONDS)

    def close(self) -> None:
        """Close the connection to the database."""
        self._client.destroy()


def open_client(engine: sa.Engine, application: str = APPLICATION) -> DBOSClient:
    """Return DBOS's client for the workflows of an application in a database."""
    return DBOSClient(
        system_database_engine=engine, serializer=DBOSPortableJSONSerializer(), application_name=application
    )


def rewind(registry: Any, job: Job) -> None:
    """Queue the workflow of an ended job again, through DBOS's client or a worker's `DBOS`. The recorded outcome of the
    failed segment is dropped; finished segments are kept."""
    registry.rewind_workflow(job.id, start_step=job.segments_done + 1, queue_name=job.queue)


def add_queue(registry: Any, name: str) -> Any:
    """Register a queue with DBOS, through its client or a worker's `DBOS`. Settings of a registered queue stay."""
    return registry.register_queue(
        name, worker_concurrency=1, polling_interval_sec=POLL_SECONDS, on_conflict="never_update"
    )
