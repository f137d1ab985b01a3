# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and folders of a local disk: whole or absent at any moment, and there to stay once they are made."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO


@contextmanager
def open_atomic(path: Path, mode: int = 0o666, concurrent: bool = False) -> Iterator[BinaryIO]:
    """Open a new file to write, which replaces `path` at the end of the block; if the block raises, nothing changes.

    After a crash or a power cut `path` is either whole or what it was before. When the block has ended it is there to
    stay, if its folder is. mode: the rights of the file, less the process's umask. concurrent: several threads or
    processes may write the file at once; what a crash leaves of one then has a name of its own, and the next one does
    not overwrite it. Raises OSError.
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
    """Make a folder, and those above it, where they are missing; when this returns its name is there to stay, also if
    another process was making it just now. mode: the rights of a new one. Raises OSError."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(mode, parents=True, exist_ok=True)
    for one in missing or [folder]:
        _sync_names(one.parent)


def _sync_names(folder: Path) -> None:
    """Wait until the names of what is in a folder are on the disk, where the system can do that."""
    if os.name == "posix":  # elsewhere folders cannot be synced
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
