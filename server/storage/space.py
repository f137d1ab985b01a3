# SPDX-License-Identifier: GPL-3.0-or-later
"""Room on the disk: how much there is, and which faults mean that there is none."""

import errno
import shutil
from pathlib import Path

import sqlalchemy as sa


class NoSpace(Exception):
    """The disk is full or nearly so: nothing was stored, and nothing changed."""


def free_bytes(folder: Path) -> int:
    """Bytes free on the disk that holds `folder`, or will hold it."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(existing).free


def is_full(error: BaseException) -> bool:
    """Tell whether a fault, of a file or of the database, is a full disk."""
    if isinstance(error, NoSpace):
        return True
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    # SQLite: "database or disk is full", and "disk I/O error" where its shared memory cannot grow. PostgreSQL: 53100.
    if isinstance(error, sa.exc.DBAPIError):
        text = str(error.orig)
        return "disk is full" in text or "disk I/O error" in text or getattr(error.orig, "sqlstate", None) == "53100"
    return False
