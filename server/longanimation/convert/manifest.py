# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest: checksums of a converted folder, or of the files that are finished so far."""

import json
from collections.abc import Callable
from pathlib import Path

from server.files import write_file

from .errors import ConversionError
from .tensors import sha256_of

MANIFEST = "SHA256SUMS"
"""The file that lists every other file of a converted folder, in the format of `sha256sum`."""


class Journal:
    """The files that an unfinished conversion has written so far. It is kept next to the conversion, so that the
    conversion can resume.

    Each file has an entry with its recipe: a digest of the inputs that it is made from. A file whose recipe has
    changed, or whose bytes differ from those that were written, counts as not written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: dict[str, list[str]] = json.loads(path.read_text("utf-8")) if path.is_file() else {}

    def checksum(self, name: str, recipe: str) -> str | None:
        """Return the SHA-256 of a finished file, after verifying it; None if the file has to be written."""
        known, checksum = self._entries.get(name, ("", ""))
        file = self._path.parent / name
        return checksum if known == recipe and file.is_file() and sha256_of(file) == checksum else None

    def enter(self, name: str, recipe: str, checksum: str) -> None:
        """Record that a file is finished."""
        self._entries[name] = [recipe, checksum]
        write_file(self._path, json.dumps(self._entries, indent=1).encode())

    def remove(self) -> None:
        """Delete all entries, because the conversion is complete."""
        self._path.unlink(missing_ok=True)


def files_in(folder: Path) -> list[str]:
    """Return every file of a folder and its subfolders except the manifest, as names with slashes."""
    paths = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in paths if path != MANIFEST]


def write_manifest(folder: Path, known: dict[str, str]) -> None:
    """Write the checksums of all files; those in `known` are not computed again."""
    lines = [f"{known.get(name) or sha256_of(folder / name)}  {name}\n" for name in files_in(folder)]
    (folder / MANIFEST).write_text("".join(lines), encoding="utf-8")


def verify_folder(folder: Path, advance: Callable[[int], None] = lambda done: None) -> int:
    """Check every file of a converted folder against its manifest; return how many there are.

    advance: called with the number of bytes of each file that was checked.
    Raises ConversionError, which names the files that are missing, changed or not part of the conversion.
    """
    if not (folder / MANIFEST).is_file():
        raise ConversionError(f"{folder} has no {MANIFEST}: it is not a converted folder, or is incomplete.")
    lines = (folder / MANIFEST).read_text(encoding="utf-8").splitlines()
    listed = {name: checksum for checksum, _, name in (line.partition("  ") for line in lines)}
    present = set(files_in(folder))
    problems = [f"missing: {name}" for name in listed if name not in present]
    problems += [f"not of the conversion: {name}" for name in sorted(present - listed.keys())]
    for name in present & listed.keys():
        if sha256_of(folder / name) != listed[name]:
            problems.append(f"changed: {name}")
        advance((folder / name).stat().st_size)
    if problems:
        raise ConversionError(f"{folder} is damaged. {'; '.join(sorted(problems))}. Delete it and convert again.")
    return len(listed)
