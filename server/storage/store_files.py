# SPDX-License-Identifier: GPL-3.0-or-later
"""The file system of a blob store."""

import fsspec
from fsspec import AbstractFileSystem


def open_files(url: str) -> tuple[AbstractFileSystem, str]:
    """Return the file system of the store at `url`, any address that fsspec understands, and the store's root in it.

    It remembers no listings: other processes write to the store, and what they write would seem to be lost. Raises
    fsspec's errors if the address is not understood.
    """
    files, root = fsspec.core.url_to_fs(url, use_listings_cache=False)
    return files, root
