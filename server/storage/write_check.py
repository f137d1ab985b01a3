# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks whether a blob store works, without writing, or by writing an object and removing it again."""

import os
import sys
import uuid
from pathlib import Path

from fsspec.implementations.local import LocalFileSystem

from .store_files import open_files


def store_errors() -> tuple[type[Exception], ...]:
    """Return the exceptions of a store that does not answer. s3fs passes on some errors of its underlying library."""
    below = sys.modules.get("botocore.exceptions")
    return (OSError, ValueError, *([below.BotoCoreError] if below else []))


def looks_writable(url: str) -> bool:
    """Return whether the store at `url` exists and looks writable, without writing to it. Raises fsspec's errors if a
    remote store does not answer."""
    files, root = open_files(url)
    if not isinstance(files, LocalFileSystem):
        return bool(files.exists(root.partition("/")[0]))  # the bucket; the first blob creates the rest of the path
    folder = next(path for path in (Path(root), *Path(root).parents) if path.exists())
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def try_out(url: str) -> None:
    """Write an object to the store at `url`, read it and remove it. Raises OSError if it is not read back unchanged,
    and fsspec's errors."""
    files, root = open_files(url)
    path, content = f"{root}/probe-{uuid.uuid4().hex}", os.urandom(1024)
    files.pipe_file(path, content)
    try:
        found = files.cat_file(path)
    finally:
        files.rm_file(path)
    if found != content:
        raise OSError(f"The data read from {path} differs from the data written.")
