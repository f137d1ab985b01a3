# SPDX-License-Identifier: GPL-3.0-or-later
"""Free space on the disks, checked before large work begins."""

import shutil
from collections.abc import Mapping
from pathlib import Path


class DiskFull(Exception):
    """A disk has too little free space; the message says which disk, and how much is needed."""


def size_of(folder: Path) -> int:
    """Return the bytes of all files in a folder, which may not exist."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def check_room(needs: Mapping[Path, int]) -> None:
    """Raise DiskFull unless there is space for the given number of bytes in each folder, which may not exist yet.
    Folders on one disk share its space."""
    disks: dict[int, list[tuple[Path, int]]] = {}
    for folder, size in needs.items():
        there = next(path for path in (folder, *folder.parents) if path.exists())
        disks.setdefault(there.stat().st_dev, []).append((there, size))
    for entries in disks.values():
        needed, free = sum(size for _, size in entries), shutil.disk_usage(entries[0][0]).free
        if needed > free:
            raise DiskFull(
                f"The disk of {entries[0][0]} has {free / 1e9:.1f} GB free, and {needed / 1e9:.1f} GB are needed. Free "
                "some space, or choose folders on another disk, and run the same command again."
            )
