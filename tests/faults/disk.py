# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder as it may be on a disk after a power cut. Everything that was synced is there. Any part of the rest may be
there, whole, torn or as garbage."""

import os
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from .trace import Call

SECTOR = 512


@dataclass
class _File:
    """What is on the disk for certain, and the writes that may not be: offset, bytes (None cuts the file off there),
    and when the call ended."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes | None, float]] = field(default_factory=list)
    size: int = 0

    def write(self, offset: int | None, content: bytes | None, ended: float) -> None:
        """Record a write. Without an offset, it goes to the end."""
        offset = self.size if offset is None else offset
        self.size = offset if content is None else max(self.size, offset + len(content))
        self.pending.append((offset, content, ended))

    def sync(self, begun: float) -> None:
        """Record that everything that was written before the sync began is on the disk."""
        for offset, content, _ in (one for one in self.pending if one[2] <= begun):
            _apply(self.durable, offset, content)
        self.pending = [one for one in self.pending if one[2] > begun]

    def after_cut(self, rng: random.Random) -> bytes:
        """Return a possible state of the file after the cut."""
        left = bytearray(self.durable)
        for offset, content, _ in self.pending:
            fate = rng.choice(("kept", "lost", "torn", "garbage"))
            if content is None:
                if fate == "kept":
                    _apply(left, offset, None)
            elif fate != "lost":
                whole = len(content)
                kept = whole if fate == "kept" else min(whole, SECTOR * rng.randint(0, whole // SECTOR))
                _apply(left, offset, content[:kept])
                if fate == "garbage":
                    _apply(left, offset + kept, rng.randbytes(whole - kept))
        return bytes(left)


@dataclass
class _Naming:
    """A change of a folder that may not be on the disk yet: names that appear with their files, and that go."""

    appear: dict[str, "_File | None"]
    go: tuple[str, ...]
    ended: float

    @property
    def folders(self) -> set[str]:
        """The folders that it changes."""
        return {os.path.dirname(path) for path in (*self.appear, *self.go)}

    def apply(self, names: dict[str, "_File | None"]) -> None:
        """Make the change."""
        names.update(self.appear)
        for path in self.go:
            names.pop(path, None)


class Disk:
    """The files of `root`, an empty folder when the calls began; a folder is a name without a file."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._names: dict[str, _File | None] = {self._root: None}
        self._durable: dict[str, _File | None] = {self._root: None}
        self._pending: list[_Naming] = []

    def run(self, calls: Iterable[Call], until: float) -> None:
        """Repeat the calls before the power cut. Calls that had ended are done; calls that had begun may be done."""
        steps = [(call.begun, call) for call in calls if call.begun <= until and call.name not in _SYNCS]
        steps += [(call.ended, call) for call in calls if call.ended <= until and call.name in _SYNCS]
        for _, call in sorted(steps, key=lambda step: step[0]):
            paths = [os.path.normpath(path) for path in call.paths]
            if any(path == self._root or path.startswith(f"{self._root}/") for path in paths):
                self._do(call, paths)

    @property
    def unsynced(self) -> int:
        """Return the number of writes and names that were not synced."""
        files = (file for file in self._names.values() if file is not None)
        return len(self._pending) + sum(len(file.pending) for file in files)

    def write_to(self, folder: Path, rng: random.Random) -> None:
        """Write to `folder` what may be left after the cut."""
        names = dict(self._durable)
        for change in self._pending:
            if rng.random() < 0.5:
                change.apply(names)
        folder.mkdir()
        for path in sorted(names):
            file, place = names[path], folder / os.path.relpath(path, self._root)
            if path == self._root or not place.parent.is_dir():
                continue  # the folder itself was lost
            if file is None:
                place.mkdir()
            else:
                place.write_bytes(file.after_cut(rng))

    def _do(self, call: Call, paths: list[str]) -> None:
        path = paths[0]
        file = self._names.get(path)
        if call.name in _SYNCS:
            if file is not None:
                file.sync(call.begun)
            self._sync_names(path, call.begun)
        elif call.name in ("write", "pwrite64"):
            if file is not None:
                file.write(call.numbers[-1] if call.name == "pwrite64" else None, call.content, call.ended)
        elif call.name == "openat":
            if "O_CREAT" in call.flags and path not in self._names:
                self._change(_Naming({path: _File()}, (), call.ended))
            elif "O_TRUNC" in call.flags and file is not None:
                file.write(0, None, call.ended)
        elif call.name in ("mkdir", "mkdirat"):
            self._change(_Naming({path: None}, (), call.ended))
        elif call.name in ("unlink", "unlinkat", "rmdir"):
            self._change(_Naming({}, (path,), call.ended))
        elif call.name == "ftruncate":
            if file is not None:
                file.write(call.numbers[-1], None, call.ended)
        elif call.name in ("rename", "renameat", "renameat2"):
            self._change(_Naming({paths[1]: file}, (path,), call.ended))
        elif call.name in ("link", "linkat"):
            self._change(_Naming({paths[1]: file}, (), call.ended))
        else:
            raise AssertionError(f"the model of the disk does not know {call.name}")

    def _change(self, change: _Naming) -> None:
        change.apply(self._names)
        self._pending.append(change)

    def _sync_names(self, folder: str, begun: float) -> None:
        for change in [one for one in self._pending if folder in one.folders and one.ended <= begun]:
            change.apply(self._durable)
            self._pending.remove(change)


_SYNCS = ("fsync", "fdatasync")


def _apply(content: bytearray, offset: int, written: bytes | None) -> None:
    if written is None:
        content[offset:] = bytes(max(0, offset - len(content)))
    else:
        content.extend(bytes(max(0, offset - len(content))))
        content[offset : offset + len(written)] = written
