# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a blob store fit for work? Looked at in passing, or tried out with an object that is removed again."""

import os
import uuid
from pathlib import Path

import fsspec
from fsspec.implementations.local import LocalFileSystem


def looks_writable(url: str) -> bool:
    """Tell whether the store at `url` is there and lets us write, as far as can be seen without writing. Raises what
    fsspec raises when a distant one does not answer."""
    files, root = fsspec.core.url_to_fs(url)
    if not isinstance(files, LocalFileSystem):
        return bool(files.exists(root.partition("/")[0]))  # the bucket: the rest of the path comes with the first blob
    folder = next(path for path in (Path(root), *Path(root).parents) if path.exists())
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def try_out(url: str) -> None:
    """Write an object into the store at `url`, read it and remove it. Raises OSError when it does not come back, and
    what fsspec raises."""
    files, root = fsspec.core.url_to_fs(url)
    path, content = f"{root}/probe-{uuid.uuid4().hex}", os.urandom(1024)
    files.pipe_file(path, content)
    try:
        found = files.cat_file(path)
    finally:
        files.rm_file(path)
    if found != content:
        raise OSError(f"What was written to {path} was read as something else.")
