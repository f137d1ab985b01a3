# SPDX-License-Identifier: GPL-3.0-or-later
"""Check of the blob store: is written data stored?"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import fsspec
import sqlalchemy as sa
from fsspec.implementations.local import LocalFileSystem

from server.config import Config
from server.logs import redact
from server.storage.store_marker import StoreConflict, StoreMarker
from server.storage.write_check import looks_writable, store_errors, try_out

from .finding import Finding, fault, ok

REMEDY = "Check that the folder is mounted and writable, or that the bucket's name and keys are right."


def check_blobs(config: Config) -> Iterator[Finding]:
    """Write an object to the store, read it and remove it. Nothing is written to a folder that does not exist yet."""
    url = config.blobs_url
    try:
        files, root = fsspec.core.url_to_fs(url)
        missing = isinstance(files, LocalFileSystem) and not Path(root).is_dir()
        if missing and looks_writable(url):
            yield ok("Blob store", f"{url} will be created")
            return
        try_out(url)
    except ImportError as error:
        yield fault(
            "Blob store", str(error), "Install the package it names into this environment: for s3:// pip install s3fs."
        )
    except store_errors() as error:
        yield fault("Blob store", f"{redact(url)} does not work: {redact(str(error))}", REMEDY)
    else:
        yield ok("Blob store", f"{redact(url)} stores what is written")


def check_owner(config: Config, database: sa.Engine) -> Iterator[Finding]:
    """Check that the store belongs to the database. A store that does not answer is found by `check_blobs`."""
    with suppress(ImportError, OSError):
        try:
            StoreMarker(database, config.blobs_url).check()
        except StoreConflict as error:
            yield fault("Blob store", str(error), "A server does not start like this: see docs/operations.md.")
