# SPDX-License-Identifier: GPL-3.0-or-later
"""Palettes in files: GIMP's (.gpl) and Adobe Swatch Exchange (.ase)."""

from __future__ import annotations

from pathlib import Path

from . import adobe_swatches, gimp_palette
from .errors import PaletteError
from .palette import Palette
from .protocol import ProtocolError
from .translatable_text import TranslatableText

SUFFIXES = (".gpl", ".ase")
_MOST_BYTES = 4_000_000


def read_palette(path: Path) -> Palette:
    """Read a palette, of the kind that its content shows.

    Raises PaletteError, with a sentence that names the file, what was found, and what to do.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise PaletteError(TranslatableText("It is too large for a palette: choose another file."))
        if content.startswith(adobe_swatches.SIGNATURE):
            return adobe_swatches.read(content)
        if path.suffix.lower() == ".ase":
            return adobe_swatches.read(content)  # which says what it is not
        return gimp_palette.read(content)
    except OSError as error:
        reason: str = TranslatableText("It cannot be read: {reason}.", reason=error.strerror or str(error))
        raise _named(path, reason) from error
    except PaletteError as error:
        raise _named(path, str(error)) from error
    except ProtocolError as error:
        raise _named(path, error.sentence) from error


def write_palette(palette: Palette, path: Path) -> None:
    """Write a palette in the format that the file's name asks for. Raises PaletteError or OSError."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise _named(
            path,
            TranslatableText(
                "Its name ends with {found}; {accepted} are accepted: choose another name.",
                found=repr(path.suffix),
                accepted=", ".join(SUFFIXES),
            ),
        )
    content = adobe_swatches.write(palette) if suffix == ".ase" else gimp_palette.write(palette, path.stem)
    partial = path.with_name(f".{path.name}.part")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _named(path: Path, problem: str) -> PaletteError:
    return PaletteError(TranslatableText("{path}: {problem}", path=path.name, problem=problem))
