# SPDX-License-Identifier: GPL-3.0-or-later
"""Films of finished jobs. A worker encodes a film when somebody first asks for it, and it is kept as a blob."""

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa
from dbos import DBOS, EnqueueOptions

from server.images.codec import read_painted
from server.images.video import encode_mp4
from server.storage.blobs import Blobs, MissingBlob
from server.storage.catalogue import Catalogue
from server.storage.frames import Frames
from server.storage.job import Job
from shared.digests import address_of

from .client import FILMS, WORKFLOW_VERSION, open_client

WORKFLOW = "encode_film"
ENDED = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
"""The states of DBOS in which a workflow does nothing anymore."""


class FilmFailed(Exception):
    """A film could not be encoded. The next request for it tries again."""


@dataclass(frozen=True)
class Film:
    """A film as an MP4. address: of its blob. size: in bytes. parts: its bytes, which are read while they are sent."""

    address: str
    size: int
    parts: Iterator[bytes]


class Films:
    """The films as the API sees them. The outcome of a film's workflow is the address of its blob."""

    def __init__(self, engine: sa.Engine, blobs: Blobs) -> None:
        self._client = open_client(engine)
        self._blobs = blobs

    def find(self, job: Job, shown: Sequence[str]) -> Film | None:
        """Return the film of a job, or None while a worker makes it. Raises FilmFailed.

        shown: addresses of the images of its frames, in order.
        """
        film = film_id(job, shown)
        found = self._client.list_workflows(workflow_ids=[film], load_input=False)
        if found and found[0].status not in ENDED:
            return None
        if found and found[0].status == "SUCCESS":
            address = str(found[0].output)
            with suppress(MissingBlob):
                if not self._blobs.missing([address]):  # this also keeps it from being collected
                    return Film(address, *self._blobs.stream(address))
        if found:
            self._client.delete_workflow(film)
            if found[0].status != "SUCCESS":
                raise FilmFailed
        order: EnqueueOptions = {
            "workflow_name": WORKFLOW,
            "queue_name": FILMS,
            "workflow_id": film,  # two requests at once queue it once
            "app_version": WORKFLOW_VERSION,
        }
        self._client.enqueue(order, job.id, film)
        return None

    def forget(self) -> None:
        """Forget the films that failed, and those that were removed from the store, because nobody asked for them."""
        ended = self._client.list_workflows(name=WORKFLOW, status=list(ENDED), load_input=False)
        addresses = [str(film.output) for film in ended if film.status == "SUCCESS"]
        gone = set(self._blobs.missing(addresses, touch=False))
        forgotten = [film.workflow_id for film in ended if film.status != "SUCCESS" or str(film.output) in gone]
        if forgotten:
            self._client.delete_workflows(forgotten)

    def close(self) -> None:
        """Close the connection to the database."""
        self._client.destroy()


class FilmMaker:
    """Makes films in a worker process."""

    def __init__(self, database: sa.Engine, blobs: Blobs) -> None:
        self._catalogue = Catalogue(database)
        self._frames = Frames(database)
        self._blobs = blobs

    def register(self) -> None:
        """Register `make` as the workflow that the API queues. Call this before DBOS launches."""
        DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)(lambda job, film: self.make(job, film))

    def make(self, job_id: str, film: str) -> str:
        """Encode the film of a job and return the address of its blob. Raises ValueError if the job's frames are no
        longer those of `film`."""
        job = self._catalogue.job(job_id)
        shown = [blob for _, blob in self._frames.shown(job)]
        if film_id(job, shown) != film:
            raise ValueError(f"The frames of job {job_id} have changed since its film was asked for.")
        target = io.BytesIO()
        encode_mp4(self._pictures(shown), job.manifest.fps, target)
        return self._blobs.write(target.getvalue(), job.owner)

    def _pictures(self, shown: Sequence[str]) -> Iterator[np.ndarray]:
        address, picture = "", np.empty(0)
        for blob in shown:
            if blob != address:  # held drawings are decoded once
                address, picture = blob, read_painted(self._blobs.read(blob))
            yield picture


def film_id(job: Job, shown: Sequence[str]) -> str:
    """Return the id of the workflow that makes a film. Jobs with the same frames and rate share it. Each version has
    its own, because workers of another one would not take it."""
    return f"film-{address_of(json.dumps([WORKFLOW_VERSION, job.manifest.fps, *shown]).encode())}"
