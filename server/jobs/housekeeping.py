# SPDX-License-Identifier: GPL-3.0-or-later
"""Periodic housekeeping of the server: it queues jobs that a crash left stalled, and removes data that is no longer
needed."""

import logging
import threading
import time

import sqlalchemy as sa

from server.config import Retention
from server.storage.blobs import Blobs
from server.storage.catalogue import Catalogue
from server.storage.integrity import Integrity
from server.storage.store_marker import StoreConflict

from .client import Jobs
from .films import Films
from .lasting_thread import LastingThread

REQUEUE_SECONDS = 30.0
"""How often the server looks for stalled jobs, and how long they must have been stalled."""
CLEAN_SECONDS = 600.0
ORPHAN_SECONDS = 24 * 3600.0
"""How often the server lists the whole store, to find files that have no row."""
CHECK_SECONDS = 3600.0
"""How often the server looks for damage in the database. This reads all of an SQLite file."""
VERIFY_SECONDS = 1.0
"""How long the server verifies blobs in each round. A round begins every `REQUEUE_SECONDS`."""
STOP_SECONDS = 5.0

logger = logging.getLogger(__name__)


class Housekeeping:
    """The housekeeping thread of one server. Several servers can share a database without interference."""

    def __init__(
        self,
        jobs: Jobs,
        films: Films,
        catalogue: Catalogue,
        blobs: Blobs,
        integrity: Integrity,
        retention: Retention,
    ) -> None:
        self._jobs = jobs
        self._films = films
        self._integrity = integrity
        self._catalogue = catalogue
        self._blobs = blobs
        self._retention = retention
        self._stopping = threading.Event()
        self._thread = LastingThread("housekeeping", self._run, self._stopping)

    def start(self) -> None:
        """Start the thread. The first round runs immediately."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the current step. A long step, such as the listing of a remote store, is abandoned, because every
        step may be stopped at any moment."""
        self._stopping.set()
        self._thread.join(STOP_SECONDS)

    def is_well(self) -> bool:
        """Return whether the thread is running."""
        return self._thread.is_well()

    def requeue_stalled(self) -> None:
        """Requeue the jobs that a server left stalled when it died."""
        if count := self._jobs.requeue_stalled(REQUEUE_SECONDS):
            logger.warning("%d jobs were stalled after a crash and are queued again.", count)

    def check_database(self) -> None:
        """Look for damage in the database."""
        self._integrity.check()
        if self._integrity.damage:
            logger.error("The database is damaged: %s. Restore a backup (docs/operations.md).", self._integrity.damage)

    def mend(self) -> None:
        """Verify some blobs, and queue the finished jobs again whose frames were lost."""
        self._blobs.verify_oldest(VERIFY_SECONDS)
        if count := self._jobs.recolor_lost():
            logger.warning("The store lost frames of %d jobs: these jobs are queued again.", count)

    def clean(self) -> None:
        """Delete jobs whose retention time has passed, and blobs that no job needs anymore."""
        if self._retention.job_days is not None:
            for job in self._catalogue.expired(self._retention.job_days * 24 * 3600):
                logger.info("Job %s ended %g days ago and is deleted.", job, self._retention.job_days)
                self._jobs.delete(job)
        removed = self._blobs.collect(self._retention.unused_hours * 3600)
        if removed.count:
            logger.info("%d blobs that no job needs were removed, %d bytes.", removed.count, removed.bytes)
        self._films.forget()

    def _run(self) -> None:
        cleaned = listed = checked = -ORPHAN_SECONDS
        while not self._stopping.is_set():
            now = time.monotonic()
            try:
                if now - checked >= CHECK_SECONDS:
                    checked = now
                    self.check_database()
                self.requeue_stalled()
                self.mend()
                if now - cleaned >= CLEAN_SECONDS:
                    cleaned = now
                    if now - listed >= ORPHAN_SECONDS:
                        listed = now
                        if found := self._blobs.register_orphans(self._retention.unused_hours * 3600):
                            logger.info("A crash left %d blobs or unfinished files.", found)
                    self.clean()
            except (sa.exc.OperationalError, OSError, StoreConflict) as error:  # one of them is away for a while
                logger.warning("Housekeeping is postponed: %s", error)
            except Exception:  # stores have their own exceptions; the next round may succeed
                logger.exception("Housekeeping stopped with an error and is postponed.")
            self._stopping.wait(REQUEUE_SECONDS)
