# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the data folder: is it writable, and does its disk have free space?"""

import os
from collections.abc import Iterator

from server.config import Config
from server.storage.space import free_bytes

from .finding import Finding, fault, ok


def check_folder(config: Config) -> Iterator[Finding]:
    """Check the data folder. A missing one is fine, because the server creates it."""
    existing = next(path for path in (config.data, *config.data.absolute().parents) if path.exists())
    if not existing.is_dir():
        yield fault("Data folder", f"{existing} is not a folder", "Choose another place with --data DIR.")
        return
    if not os.access(existing, os.W_OK | os.X_OK):
        remedy = "Give the user that runs the server the right to write there, or choose another with --data DIR."
        yield fault("Data folder", f"{existing} cannot be written", remedy)
        return
    new = "" if existing == config.data else "; it will be created"
    yield ok("Data folder", f"{config.data} can be written{new}")
    free, kept = free_bytes(config.data), config.retention.free_bytes
    if free < kept:
        text = f"{free / 1e9:.1f} GB free: with less than {kept / 1e9:.1f} GB a server accepts nothing new"
        yield fault("Disk", text, "Free some space, delete jobs (see --keep-days), or move the data to a larger disk.")
    else:
        yield ok("Disk", f"{free / 1e9:.1f} GB free")
