# SPDX-License-Identifier: GPL-3.0-or-later
"""A digest of what determines the frames besides the shot: the weights and the code that uses them."""

import functools
import hashlib
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from server.presets.preset import WEIGHTS, Preset

CHECKSUMS = "SHA256SUMS"
"""The file in which a converted folder lists its files."""
READ_WHOLE = 2_000_000_000
"""Weights without a list whose total size is larger are identified by names, sizes and dates, because reading them
would take too long."""
PACKAGES = ("coloring", "engines", "images", "longanimation")


def model_fingerprint(preset: Preset) -> str:
    """Return a digest of the weights and settings of a preset, of the weights that match drawings, and of the code.
    Equal digests mean equal frames."""
    settings = (preset.folder / "preset.json").read_bytes()  # a converted folder's list of checksums does not follow it
    matching = (_folder(WEIGHTS / name) for name in ("line_matcher", "settler"))
    return _digest([settings, _folder(preset.folder), *matching, _code()])


def _folder(folder: Path) -> str:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return _content(folder, tuple((path, path.stat().st_size, path.stat().st_mtime_ns) for path in files))


@functools.lru_cache(maxsize=16)
def _content(folder: Path, files: tuple[tuple[Path, int, int], ...]) -> str:
    """Return a digest of a folder's files. Sizes and dates are arguments so that a changed file is read again."""
    if (folder / CHECKSUMS).is_file():
        return _digest([(folder / CHECKSUMS).read_bytes()])
    if sum(size for _, size, _ in files) > READ_WHOLE:
        return _digest(f"{path.relative_to(folder).as_posix()} {size} {date}" for path, size, date in files)
    named = ((path.relative_to(folder).as_posix(), path) for path, _, _ in files)
    return _digest(part for name, path in named for part in (name, path.read_bytes()))


@functools.cache
def _code() -> str:
    server = Path(__file__).parents[1]
    files = [path for name in PACKAGES for path in sorted((server / name).rglob("*.py"))]
    return _digest([version("torch"), *(path.read_bytes() for path in files)])


def _digest(parts: Iterable[str | bytes]) -> str:
    whole = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        whole.update(len(content).to_bytes(8, "big") + content)
    return whole.hexdigest()
