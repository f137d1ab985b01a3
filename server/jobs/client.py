# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API does with jobs. It queues workflows and steers them; it never runs one."""

import sqlalchemy as sa
from dbos import DBOSClient, DBOSPortableJSONSerializer, error

from server.storage.catalogue import ACTIVE_STATES, Catalogue, Job
from shared.protocol import ShotManifest

APPLICATION = "longanimation-color"
WORKFLOW = "color_shot"
WORKFLOW_VERSION = "1"
"""Jobs queued under a version are taken only by workers of the same: raise it when the steps change."""


class JobConflict(Exception):
    """Another job has this id already, or the job's state does not allow what was asked."""


class Jobs:
    """The jobs as the API sees them."""

    def __init__(self, engine: sa.Engine, catalogue: Catalogue) -> None:
        self._engine = engine
        self._catalogue = catalogue
        self._client = DBOSClient(
            system_database_engine=engine, serializer=DBOSPortableJSONSerializer(), application_name=APPLICATION
        )

    def submit(self, job: str, manifest: ShotManifest, queue: str) -> None:
        """Queue a new job: its row and its workflow appear together, or neither. Raises JobConflict."""
        try:
            with self._engine.begin() as connection:
                self._catalogue.add(connection, job, manifest, queue)
                self._client.enqueue_in_transaction(
                    connection,
                    {
                        "workflow_name": WORKFLOW,
                        "queue_name": queue,
                        "workflow_id": job,
                        "app_version": WORKFLOW_VERSION,
                    },
                    job,
                )
        except sa.exc.IntegrityError as refusal:
            raise JobConflict(f"Job {job} exists already.") from refusal

    def cancel(self, job: Job) -> None:
        """Stop a job that waits or runs; the worker notices at its next denoising step. Raises JobConflict."""
        if not self._catalogue.move(job.id, "cancelled", allowed=ACTIVE_STATES):
            raise JobConflict(f"Job {job.id} is {job.state}: only a job that waits or runs can be cancelled.")
        self._client.cancel_workflow(job.id)

    def retry(self, job: Job) -> None:
        """Queue a failed or cancelled job again from its last finished segment. Raises JobConflict."""
        if job.state not in ("failed", "cancelled"):
            raise JobConflict(f"Job {job.id} is {job.state}: only a failed or cancelled job can be tried again.")
        # The state comes first: a worker leaves alone what is not queued.
        self._catalogue.forgive_crashes(job.id)
        self._catalogue.move(job.id, "queued", allowed=("failed", "cancelled"))
        try:
            # The recorded outcome of the segment that failed is dropped; the finished ones are kept.
            self._client.rewind_workflow(job.id, start_step=job.segments_done + 1, queue_name=job.queue)
        except error.DBOSException as refusal:
            self._catalogue.move(job.id, job.state, allowed=("queued",), problem=job.problem)
            raise JobConflict(f"Job {job.id} is still stopping: try again in a few seconds.") from refusal

    def delete(self, job: Job) -> None:
        """Remove a job in any state; one that runs is stopped."""
        self._catalogue.delete(job.id)
        try:
            self._client.cancel_workflow(job.id)
            self._client.delete_workflow(job.id)
        except error.DBOSNonExistentWorkflowError:
            return  # two deletions at once: the other one was first

    def close(self) -> None:
        """Let go of the database."""
        self._client.destroy()
