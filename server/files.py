# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and folders on a local disk: always complete or absent, and durable once they are created."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO


@contextmanager
def open_atomic(path: Path, mode: int = 0o666, concurrent: bool = False) -> Iterator[BinaryIO]:
    """Open a new file for writing, which replaces `path` at the end of the block. If the block raises, nothing changes.

    After a crash or a power failure, `path` is either complete or unchanged. After the block it is durable, if its
    folder is. mode: the file mode, before the process's umask. concurrent: several threads or processes may write the
    file at the same time; the leftover of a crash then has a unique name, and the next writer does not overwrite it.
    Raises OSError.
    """
    own = f".{secrets.token_hex(4)}" if concurrent else ""
    part = path.with_name(f".{path.name}{own}.part")
    try:
        with open(part, "wb", opener=partial(os.open, mode=mode)) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync_names(path.parent)


def write_file(path: Path, content: bytes, mode: int = 0o666, concurrent: bool = False) -> None:
    """Write a file as `open_atomic` does. Raises OSError."""
    with open_atomic(path, mode, concurrent) as stream:
        stream.write(content)


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Create a folder and its missing parents. When this returns, its name is durable, even if another process was
    creating it at the same time. mode: the mode of a new folder. Raises OSError."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(mode, parents=True, exist_ok=True)
    for one in missing or [folder]:
        _sync_names(one.parent)


def _sync_names(folder: Path) -> None:
    """Wait until the names of a folder's entries are on the disk, if the system supports that."""
    if os.name == "posix":  # elsewhere folders cannot be synced
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
