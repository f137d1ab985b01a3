# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and folders of a local disk that survive a power cut once they were made."""

import os
import tempfile
from pathlib import Path


def write_file(path: Path, content: bytes) -> None:
    """Write a file so that after a crash or a power cut it is either whole or absent; when this returns it is there to
    stay, if its folder is. Raises OSError."""
    descriptor, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
    _sync_names(path.parent)


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
