# SPDX-License-Identifier: GPL-3.0-or-later
"""Atomic writing of files. Does not use Blender."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield the path of a temporary file beside `path`, which replaces it at the end of the block.

    If the block raises, `path` is unchanged. Raises OSError.
    """
    partial = path.with_name(f".{path.name}.part")
    yield partial
    partial.replace(path)
