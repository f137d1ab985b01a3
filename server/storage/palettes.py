# SPDX-License-Identifier: GPL-3.0-or-later
"""The library of palettes. All tokens share it: the files of a show have the same colors."""

import json
from typing import Any

import sqlalchemy as sa

from shared.codec import from_json, to_json
from shared.palette import Palette, PaletteSummary, PaletteVersion

from .database import QuotaExceeded, lock_owner, now, writing
from .quota import bytes_of
from .tables import palettes

KEPT_VERSIONS = 100
"""The versions of a palette that are kept, the newest ones."""
MOST_PALETTES = 2000
"""The most palettes of a library."""


_SUMMARY = sa.select(
    palettes.c.name, palettes.c.version, palettes.c.author, palettes.c.created, palettes.c.count.label("colors")
)
"""The columns of a PaletteSummary, in its order."""


class UnknownPalette(LookupError):
    """The library has no such palette, or no such version of it."""


class PaletteChanged(Exception):
    """The palette has another version than the one that was to be replaced.

    version: the newest one, 0 if there is none.
    """

    def __init__(self, version: int) -> None:
        super().__init__(version)
        self.version = version


class LibraryFull(Exception):
    """The library has as many palettes as it may have."""


class PaletteLibrary:
    """Named palettes, each with its versions, which never change."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def newest(self) -> list[PaletteSummary]:
        """Return the newest version of each palette, by name."""
        last = sa.select(palettes.c.name, sa.func.max(palettes.c.version).label("version")).group_by(palettes.c.name)
        newest = last.subquery()
        same = (palettes.c.name == newest.c.name) & (palettes.c.version == newest.c.version)
        return self._summaries(_SUMMARY.join(newest, same).order_by(palettes.c.name))

    def versions(self, name: str) -> list[PaletteSummary]:
        """Return the versions of a palette that are kept, the newest first. Raises UnknownPalette."""
        found = self._summaries(_SUMMARY.where(palettes.c.name == name).order_by(palettes.c.version.desc()))
        if not found:
            raise UnknownPalette(name)
        return found

    def get(self, name: str, version: int | None = None) -> PaletteVersion:
        """Return a version of a palette, by default the newest. Raises UnknownPalette."""
        with self._engine.connect() as connection:
            return _read(connection, name, version)

    def put(
        self, name: str, palette: Palette, author: str, replaces: int, quota_bytes: int | None = None
    ) -> PaletteVersion:
        """Add a version of a palette. The same colors as those of the newest version add none.

        replaces: the version that the author has seen, 0 for a new palette. quota_bytes: how much the author may have,
        uploads and palettes together. Raises PaletteChanged, LibraryFull and QuotaExceeded.
        """
        content = json.dumps(to_json(palette), ensure_ascii=False, separators=(",", ":"))
        try:
            with writing(self._engine) as connection:
                lock_owner(connection, author)
                newest = _find(connection, name)
                version = newest.version if newest else 0
                if newest and newest.swatches == palette.swatches and replaces in (version - 1, version):
                    return newest  # its answer may not have arrived the first time
                if version != replaces:
                    raise PaletteChanged(version)
                count = sa.select(sa.func.count(palettes.c.name.distinct()))
                if newest is None and connection.execute(count).scalar_one() >= MOST_PALETTES:
                    raise LibraryFull
                row = {"name": name, "version": version + 1, "swatches": content, "bytes": len(content.encode())}
                row |= {"count": len(palette.swatches), "author": author, "created": now()}
                connection.execute(sa.insert(palettes).values(**row))
                old = (palettes.c.name == name) & (palettes.c.version <= version + 1 - KEPT_VERSIONS)
                connection.execute(sa.delete(palettes).where(old))
                if quota_bytes is not None and bytes_of(connection, author) > quota_bytes:
                    raise QuotaExceeded
                return _read(connection, name)
        except sa.exc.IntegrityError as error:  # somebody was faster
            raise PaletteChanged(replaces + 1) from error

    def delete(self, name: str) -> None:
        """Remove a palette with all its versions."""
        with writing(self._engine) as connection:
            connection.execute(sa.delete(palettes).where(palettes.c.name == name))

    def _summaries(self, query: sa.Select[Any]) -> list[PaletteSummary]:
        with self._engine.connect() as connection:
            return [PaletteSummary(*row) for row in connection.execute(query)]


def _read(connection: sa.Connection, name: str, version: int | None = None) -> PaletteVersion:
    """Return a version of a palette, by default the newest. Raises UnknownPalette."""
    found = _find(connection, name, version)
    if found is None:
        raise UnknownPalette(name)
    return found


def _find(connection: sa.Connection, name: str, version: int | None = None) -> PaletteVersion | None:
    columns = (palettes.c.name, palettes.c.version, palettes.c.author, palettes.c.created, palettes.c.swatches)
    query = sa.select(*columns).where(palettes.c.name == name)
    if version is not None:
        query = query.where(palettes.c.version == version)
    row = connection.execute(query.order_by(palettes.c.version.desc()).limit(1)).first()
    return None if row is None else PaletteVersion(*row[:4], from_json(Palette, json.loads(row.swatches)).swatches)
