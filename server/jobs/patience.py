# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running job does while the disk is full or the blob store is away: it says so and waits."""

import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import sqlalchemy as sa

from server.storage.blobs import Blobs
from server.storage.job_changes import JobChanges
from server.storage.space import NoSpace, is_full
from server.storage.store_marker import AWAY, StoreConflict
from server.storage.write_check import store_errors

WAIT_SECONDS = 2.0
"""How often a waiting job tries again."""
FULL_MESSAGE = "The server's disk is full: the job waits for free space and then continues by itself."
AWAY_MESSAGE = f"{AWAY} The job waits and then continues by itself."

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


class Patience:
    """The patience of one job. check: raises an exception if the job must not continue."""

    def __init__(self, changes: JobChanges, job: str, check: Callable[[], None]) -> None:
        self._changes = changes
        self._job = job
        self.check = check

    def repeat(self, action: Callable[[], Result]) -> Result:
        """Run an action that reads or stores data. While disk or store do not let it, say so and wait, so that no
        result is lost."""
        reported: set[str] = set()
        troubles: tuple[type[Exception], ...] = (NoSpace, sa.exc.OperationalError, *store_errors())
        while True:
            try:
                return action()
            except troubles as error:
                message = _message(error)
                if message is None:
                    raise
                logger.error("Job %s waits and then continues by itself: %s", self._job, error)
            if message not in reported:
                with contextlib.suppress(sa.exc.OperationalError):  # the database may be on the same disk
                    self._changes.add_message(self._job, message, "state")
                    reported.add(message)
            time.sleep(WAIT_SECONDS)
            self.check()


class PatientBlobs:
    """The blobs as a job reads and stores them, with its patience."""

    def __init__(self, blobs: Blobs, patience: Patience) -> None:
        self._blobs = blobs
        self._patience = patience

    def missing(self, addresses: Iterable[str]) -> list[str]:
        """Return the addresses that are not in the store."""
        return self._blobs.missing(addresses)

    def read(self, address: str) -> bytes:
        """Return the bytes of a blob. Raises MissingBlob."""
        return self._patience.repeat(lambda: self._blobs.read(address))

    def write_all(self, contents: Sequence[bytes], owner: str) -> list[str]:
        """Store several blobs; return their addresses."""
        return self._patience.repeat(lambda: self._blobs.write_all(contents, owner))


def _message(error: Exception) -> str | None:
    """Return what to tell about an error, or None if waiting does not help."""
    if is_full(error):
        return FULL_MESSAGE
    is_bug = isinstance(error, (sa.exc.OperationalError, ValueError)) and not isinstance(error, StoreConflict)
    return None if is_bug else AWAY_MESSAGE
