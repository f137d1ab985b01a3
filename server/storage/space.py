# SPDX-License-Identifier: GPL-3.0-or-later
"""Disk space: how much is free, and which errors mean that the disk is full."""

import errno
import shutil
from pathlib import Path

import sqlalchemy as sa


class NoSpace(Exception):
    """The disk is full or nearly full; nothing was stored or changed."""


def free_bytes(folder: Path) -> int:
    """Return the free bytes on the disk that holds `folder`, or will hold it."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(existing).free


def is_full(error: BaseException) -> bool:
    """Return whether an error of a file or the database means that the disk is full."""
    if isinstance(error, NoSpace):
        return True
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    # SQLite: "database or disk is full", and "disk I/O error" where its shared memory cannot grow. PostgreSQL: 53100.
    if isinstance(error, sa.exc.DBAPIError):
        text = str(error.orig)
        return "disk is full" in text or "disk I/O error" in text or getattr(error.orig, "sqlstate", None) == "53100"
    return False
