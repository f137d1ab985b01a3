# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest: checksums of a converted folder, or of the files that are finished so far."""

import json
from collections.abc import Callable
from pathlib import Path

from server.files import write_file

from .errors import ConversionError
from .tensors import sha256_of

MANIFEST = "SHA256SUMS"
"""Lists every other file of a converted folder, as `sha256sum` writes and checks it."""


class Journal:
    """What an unfinished conversion has written so far, kept next to it, so that the conversion can resume.

    Each file is entered with its recipe: a digest of what it is made of. A file whose recipe has changed, or that does
    not have the bytes that were written, counts as not written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: dict[str, list[str]] = json.loads(path.read_text("utf-8")) if path.is_file() else {}

    def checksum(self, name: str, recipe: str) -> str | None:
        """The SHA-256 of a file that is finished, verified now; None if it has to be written."""
        known, checksum = self._entries.get(name, ("", ""))
        file = self._path.parent / name
        return checksum if known == recipe and file.is_file() and sha256_of(file) == checksum else None

    def enter(self, name: str, recipe: str, checksum: str) -> None:
        """Note that a file is finished."""
        self._entries[name] = [recipe, checksum]
        write_file(self._path, json.dumps(self._entries, indent=1).encode())

    def remove(self) -> None:
        """Forget all: the conversion is complete."""
        self._path.unlink(missing_ok=True)


def files_in(folder: Path) -> list[str]:
    """Every file of a folder and the folders in it but the manifest, as names with slashes."""
    paths = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in paths if path != MANIFEST]


def write_manifest(folder: Path, known: dict[str, str]) -> None:
    """Write the checksums of all files; those in `known` are not computed again."""
    lines = [f"{known.get(name) or sha256_of(folder / name)}  {name}\n" for name in files_in(folder)]
    (folder / MANIFEST).write_text("".join(lines), encoding="utf-8")


def verify_folder(folder: Path, advance: Callable[[int], None] = lambda done: None) -> int:
    """Check every file of a converted folder against its manifest; return how many there are.

    advance: called with the number of bytes of each file that was checked.
    Raises ConversionError that names the files that are missing, changed or not of the conversion.
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
